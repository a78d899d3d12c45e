"""The whole local cloud, once for all tests of this folder, with a POS that it does not know of."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter

from deploy.local.clients import firestore_client
from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from deploy.local.stack import Stack
from deploy.manifest import Manifest

LEASE_SECONDS = 3
WAIT_SECONDS = 45.0


class Cloud:
    """A running local cloud and some orgs at a POS server beside it."""

    def __init__(self, stack: Stack, client: Client, pos: Server) -> None:
        self.stack = stack
        self.client = client
        self.pos = pos

    def open_org(self, spec: OrgSpec) -> None:
        """Open a dispensary: an account at the POS and the location that points there."""
        self.control("POST", "orgs", spec.model_dump(mode="json", by_alias=True))
        for location in self.pos.locations():
            if location["document"]["orgId"] == spec.id:
                self.client.document(f"locations/{location['id']}").set(location["document"])

    def close_org(self, org_id: str) -> None:
        """Close it, so that later ticks pass it by."""
        locations = self.client.collection("locations")
        for location in locations.where(filter=FieldFilter("orgId", "==", org_id)).stream():
            location.reference.delete()

    def control(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, f"{self.pos.url}/control/{path}", json=body, timeout=20)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def document(self, path: str) -> dict[str, Any]:
        return self.client.document(path).get().to_dict() or {}

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        return {d.id: d.to_dict() or {} for d in self.client.collection(collection).stream()}

    def runs(self, org_id: str) -> list[dict[str, Any]]:
        return list(self.documents(f"tenants/{org_id}/sync_runs").values())

    def wait(self, what: str, holds: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        """Look until it holds; fails when it does not in time."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    quick = Manifest.read().with_policy(min_backoff_seconds=1, max_backoff_seconds=2)
    with (
        serve(Simulation(())) as pos,
        Stack(
            quick,
            simulator=False,
            extra_env={
                key: {"LEASE_SECONDS": str(LEASE_SECONDS)}
                for key in ("org_sync", "loyalty_reconcile")
            },
            logs=tmp_path_factory.mktemp("logs"),
        ) as stack,
    ):
        client = firestore_client(stack.firestore, stack.project)
        yield Cloud(stack, client, pos)
        client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def open_org(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Opens an org of this test's own and returns its id."""
    opened: list[str] = []

    def make(**sizes: int) -> str:
        name = request.node.name.removeprefix("test_")[:40].strip("_")
        spec = OrgSpec(id=f"org_{name}_{len(opened)}", seed=len(opened), **sizes)
        cloud.open_org(spec)
        opened.append(spec.id)
        return spec.id

    yield make
    for org_id in opened:
        cloud.close_org(org_id)
