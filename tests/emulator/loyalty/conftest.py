"""Worlds with a loyalty provider; ``org_test`` is small enough to be quick."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec, named_orgs
from tests.emulator.loyalty.world import LoyaltyWorld

SMALL = OrgSpec(
    id="org_test",
    customers=120,
    orders=170,
    products=12,
    rows=14,
    seed=5,
    alpine_contacts=24,
    alpine_differing=3,
)


@pytest.fixture
def client(firestore_host: str, project: str) -> Iterator[Client]:
    """The test's own project at the Firestore emulator."""
    with closing(firestore_client(firestore_host, project)) as found:
        yield found


@pytest.fixture
def world_of(client: Client) -> Iterator[Callable[..., LoyaltyWorld]]:
    """Makes a world of given orgs."""
    servers = []

    def make(*specs: OrgSpec) -> LoyaltyWorld:
        server = serve(Simulation(specs))
        servers.append(server)
        return LoyaltyWorld(client, server)

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def world(world_of: Callable[..., LoyaltyWorld]) -> LoyaltyWorld:
    """One small org, synced, without points so far."""
    made = world_of(SMALL)
    made.stored(SMALL.id)
    return made


@pytest.fixture
def large(world_of: Callable[..., LoyaltyWorld]) -> LoyaltyWorld:
    """The org as large as the recorded one, synced."""
    made = world_of(*(spec for spec in named_orgs(1) if spec.id == "org_large"))
    made.stored("org_large")
    return made
