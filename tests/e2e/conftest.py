"""The whole local cloud, once for all tests of this folder, with a POS that it does not know of.
Its functions run from what a deployment uploads."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud.firestore_v1.base_query import FieldFilter

from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from deploy.manifest import Manifest
from tests.deployment import unpack_archive
from tests.e2e.cloud import Cloud, strict_cloud

LEASE_SECONDS = 3
CLOUDS = ("cloud", "doors", "console")
"""The fixtures that start one, which takes long; those first whose tests take longest."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files whose tests share a cloud are for the same worker."""
    groups = {
        item.path: name
        for item in items
        for name in CLOUDS
        if name in getattr(item, "fixturenames", ())
    }
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups.get(item.path, item.path.stem)))
    items.sort(key=lambda item: (*CLOUDS, groups.get(item.path)).index(groups.get(item.path)))


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a deployment uploads, unpacked."""
    folder = tmp_path_factory.mktemp("workspace")
    unpack_archive(folder)
    return folder


@pytest.fixture(scope="session")
def cloud(deployment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    quick = (
        Manifest.read().for_local_cloud().with_policy(min_backoff_seconds=1, max_backoff_seconds=2)
    )
    logs = tmp_path_factory.mktemp("logs")
    lease = {"LEASE_SECONDS": str(LEASE_SECONDS)}
    env = dict.fromkeys(("org_sync", "loyalty_reconcile"), lease)
    with (
        serve(Simulation(())) as server,
        strict_cloud(quick, logs, root=deployment, extra_env=env, identity=True) as (stack, client),
    ):
        yield Cloud(stack, client, server)


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
