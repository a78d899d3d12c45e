"""The whole local cloud, once for all tests of this folder, with a POS that it does not know of."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from google.cloud.firestore_v1.base_query import FieldFilter

from deploy.local.clients import firestore_client
from deploy.local.ports import Port
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from deploy.local.stack import Stack
from deploy.manifest import Manifest
from tests.e2e.cloud import Cloud
from tests.strict_firestore import process

LEASE_SECONDS = 3


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    quick = (
        Manifest.read().for_local_cloud().with_policy(min_backoff_seconds=1, max_backoff_seconds=2)
    )
    logs = tmp_path_factory.mktemp("logs")
    with serve(Simulation(())) as server, closing(Port()) as strict:
        # Its port is known before the emulator's, so that the functions can be told.
        firestore = {"FIRESTORE_EMULATOR_HOST": strict.host} if process.wanted() else {}
        env = {name: dict(firestore) for name in quick.functions}
        for name in ("org_sync", "loyalty_reconcile"):
            env[name]["LEASE_SECONDS"] = str(LEASE_SECONDS)
        with (
            Stack(quick, simulator=False, extra_env=env, logs=logs) as stack,
            _strict_firestore(stack.firestore, strict, logs / "refused.log") as host,
        ):
            client = firestore_client(host, stack.project)
            yield Cloud(stack, client, server)
            client.close()  # type: ignore[no-untyped-call]


@contextmanager
def _strict_firestore(emulator: str, port: Port, log: Path) -> Iterator[str]:
    """What stands before the emulator; the emulator itself where that is not wanted. Fails in the
    end if Firestore would have refused a call."""
    if not process.wanted():
        yield emulator
        return
    with process.running(emulator, log, "--port", str(port.number)) as control:
        yield control.host
        refused = control.refusals()
        assert not refused, "\n".join(map(str, refused))


@pytest.fixture
def open_org(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Opens an org of this test's own and returns its id: an account at the POS, and the location
    that points there."""
    opened: list[str] = []

    def make(**sizes: int) -> str:
        name = request.node.name.removeprefix("test_")[:40].strip("_")
        spec = OrgSpec(id=f"org_{name}_{len(opened)}", seed=len(opened), **sizes)
        cloud.pos.control("POST", "orgs", spec.model_dump(mode="json", by_alias=True))
        for location in cloud.server.locations():
            if location["document"]["orgId"] == spec.id:
                cloud.client.document(f"locations/{location['id']}").set(location["document"])
        opened.append(spec.id)
        return spec.id

    yield make
    # Later ticks are to pass them by.
    locations = cloud.client.collection("locations")
    for org_id in opened:
        for found in locations.where(filter=FieldFilter("orgId", "==", org_id)).stream():
            found.reference.delete()
