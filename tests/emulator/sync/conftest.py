"""A world for each test; its org ``org_test`` is small enough to be quick."""

from collections.abc import Callable, Iterator

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec, named_orgs
from tests.emulator.sync.world import World

SMALL = OrgSpec(id="org_test", customers=230, orders=310, products=60, rows=70, seed=5)


@pytest.fixture
def client(firestore_host: str, project: str) -> Iterator[Client]:
    found = firestore_client(firestore_host, project)
    yield found
    found.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def world_of(client: Client) -> Iterator[Callable[..., World]]:
    """Makes a world of given orgs."""
    servers = []

    def make(*specs: OrgSpec) -> World:
        server = serve(Simulation(specs))
        servers.append(server)
        return World(client, server)

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def world(world_of: Callable[..., World]) -> World:
    """One small org that was never synced."""
    return world_of(SMALL)


@pytest.fixture
def shop(world_of: Callable[..., World]) -> World:
    """The same products, with hardly any customers and orders."""
    return world_of(SMALL.model_copy(update={"customers": 4, "orders": 4}))


@pytest.fixture
def large(world_of: Callable[..., World]) -> World:
    """The org as large as the recorded one."""
    return world_of(*(spec for spec in named_orgs(1) if spec.id == "org_large"))
