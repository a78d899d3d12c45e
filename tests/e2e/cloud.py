"""A running local cloud and the POS beside it, as tests use both."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from deploy.local.paths import ROOT
from deploy.local.ports import Port
from deploy.local.simulator.server import Server
from deploy.local.stack import Stack
from deploy.manifest import Manifest
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments
from tests.strict_firestore import process


class Cloud:
    """The cloud knows nothing of the POS at ``server`` but what ``locations`` documents say."""

    look_seconds = 0.1

    def __init__(self, stack: Stack, client: Client, server: Server) -> None:
        self.stack = stack
        self.client = client
        self.server = server
        self.pos = SimulatedPos(server.url)
        self.store = StoredDocuments(client)

    def wait(self, what: str, holds: Callable[[], object], seconds: float = 45) -> float:
        """Look until it holds; the seconds that took. Fails when it does not in time."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() < began + seconds, f"waited {seconds} s in vain: {what}"
            time.sleep(self.look_seconds)
        return time.monotonic() - began


@contextmanager
def strict_cloud(
    manifest: Manifest,
    logs: Path,
    *,
    only: Sequence[str] | None = None,
    root: Path = ROOT,
    extra_env: Mapping[str, Mapping[str, str]],
    identity: bool = False,
) -> Iterator[tuple[Stack, Client]]:
    """A local cloud without a POS, whose functions take the strict Firestore for Firestore and run
    from the clone or unpacked deployment at ``root``, and a client of it. Fails in the end if
    Firestore would have refused a call."""
    with closing(Port()) as strict:
        # Its port is known before the emulator's, so that the functions can be told.
        firestore = {"FIRESTORE_EMULATOR_HOST": strict.host} if process.wanted() else {}
        env = {name: {**firestore, **extra_env.get(name, {})} for name in manifest.functions}
        with (
            Stack(
                manifest,
                only=only,
                sources=root / "functions",
                root=root,
                simulator=False,
                extra_env=env,
                logs=logs,
                secret_files=logs / "secrets",
                identity=identity,
            ) as stack,
            _strict_firestore(stack.firestore, strict, logs / "refused.log") as host,
            closing(firestore_client(host, stack.project)) as client,
        ):
            yield stack, client


@contextmanager
def _strict_firestore(emulator: str, port: Port, log: Path) -> Iterator[str]:
    """What stands before the emulator; the emulator itself where that is not wanted."""
    if not process.wanted():
        yield emulator
        return
    with process.running(emulator, log, "--port", str(port.number)) as control:
        yield control.host
        refused = control.refusals()
        assert not refused, "\n".join(map(str, refused))
