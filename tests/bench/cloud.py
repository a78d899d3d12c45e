"""The local cloud as benchmarks use it: functions, emulators and POS in processes of their own."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from google.cloud import firestore

from deploy.local.clients import firestore_client
from deploy.local.paths import STATE
from deploy.local.stack import Stack
from shared.store import paths
from tests.bench.processes import cpu_seconds
from tests.simulated_pos import SimulatedPos

LOOK_SECONDS = 0.1
QUIET = timedelta(seconds=1)
TIMEOUT_SECONDS = 60.0
ENDED = ("succeeded", "partial", "failed", "held")

Document = dict[str, Any]


class NotDone(Exception):
    """What was to be measured did not come to its end, or not to the right one."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One run: its document, the seconds from the message to its end, and the processor time that
    the ``org_sync`` process took meanwhile."""

    run: Document
    seconds: float
    cpu_seconds: float

    @property
    def records_written(self) -> int:
        streams = self.run["streams"].values()
        return sum(int(s["created"] + s["updated"] + s["deleted"]) for s in streams)

    @property
    def calls(self) -> int:
        """Calls to the POS."""
        return sum(int(s["requests"]) for s in self.run["streams"].values())


class Cloud:
    """A context manager: a stack with some of the functions and a POS whose every call takes
    ``latency_ms``. No org is connected to it at first. ``env``: settings of ``org_sync``.
    ``firestore``: the host:port of what the functions are to take for Firestore, if not the
    stack's emulator. ``instances``: how many of each function its process stands for."""

    client: firestore.Client
    pos: SimulatedPos

    def __init__(
        self,
        *functions: str,
        latency_ms: float = 0,
        env: Mapping[str, str] | None = None,
        firestore: str | None = None,
        instances: int = 1,
    ) -> None:
        given = {"FIRESTORE_EMULATOR_HOST": firestore} if firestore else {}
        self.stack = Stack(
            only=functions,
            simulator_arguments=("--latency-ms", str(latency_ms)),
            extra_env={name: dict(given) for name in functions}
            | {"org_sync": {**given, **(env or {})}},
            instances=instances,
            logs=STATE / "bench-logs",
        )
        self._firestore = firestore
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(self.stack)
            self.client = opening.enter_context(self.project(self.stack.project))
            assert self.stack.simulator
            self.pos = SimulatedPos(self.stack.simulator)
            for location in self.client.collection(paths.LOCATIONS).list_documents():
                location.delete()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @contextmanager
    def project(self, name: str) -> Iterator[firestore.Client]:
        """A client of a project on the same Firestore."""
        host = self._firestore or self.stack.firestore
        with closing(firestore_client(host, name)) as client:
            yield client

    def locations(self) -> list[Document]:
        """The ``locations`` documents of every account at the POS."""
        return [each["document"] for each in self.pos.control("GET", "locations")]

    def connect(self, account: str, org_id: str) -> Document:
        """Have an org use an account of the POS; its location's document."""
        [location] = (each for each in self.locations() if each["orgId"] == account)
        document = {**location, "orgId": org_id}
        self.client.document(f"{paths.LOCATIONS}/{org_id}").set(document)
        return document

    def sync(self, org_id: str, run_id: str, *, within: float = 600) -> Sync:
        """Ask for one run of an org and wait for its end. Raises NotDone unless it succeeds."""
        pid = self.stack.pids["org_sync"]
        started, cpu = time.monotonic(), cpu_seconds(pid)
        self.stack.publish("pos-sync", {"orgId": org_id, "runId": run_id, "trigger": "cron"})
        path = paths.sync_run(org_id, run_id)
        run: Document = {}

        def ended() -> bool:
            run.update(self.document(path))
            return run.get("state") in ENDED

        self.wait(f"run {run_id} of {org_id} ends", ended, within)
        seconds = time.monotonic() - started
        if run["state"] != "succeeded":
            raise NotDone(f"run {run_id} of {org_id} ended {run['state']}: {run.get('error')}")
        return Sync(run, seconds, cpu_seconds(pid) - cpu)

    def quiet(self, function: str, *, within: float = 600) -> datetime:
        """Wait until a function has nothing to do; since when it has not."""
        pid = self.stack.pids[function]
        last, since = cpu_seconds(pid), datetime.now(UTC)

        def still() -> bool:
            nonlocal last, since
            now = cpu_seconds(pid)
            if now > last:
                last, since = now, datetime.now(UTC)
            return datetime.now(UTC) - since >= QUIET

        self.wait(f"{function} is done", still, within)
        return since

    def document(self, path: str) -> Document:
        return self.client.document(path).get(timeout=TIMEOUT_SECONDS).to_dict() or {}

    def wait(
        self, what: str, holds: Callable[[], bool], within: float, look: float = LOOK_SECONDS
    ) -> None:
        """Look again and again. Raises NotDone where it takes too long or cannot come true."""
        end = time.monotonic() + within
        while not holds():
            if self.stack.failure or time.monotonic() > end:
                raise NotDone(self.stack.failure or f"waited {within:.0f} s in vain: {what}")
            time.sleep(look)
