"""Google's emulators, started once, and the parts of a synced org in a project of each test's own.

A test of other orgs than the small one overrides ``specs``.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_aggregation import BaseAggregationQuery
from google.cloud.firestore_v1.base_query import BaseQuery

from deploy.local import emulators
from deploy.local.clients import firestore_client
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from shared.services.alerts import Alerts
from shared.store.database import Database
from tests import indexes
from tests.emulator.customers.shop import Shop
from tests.emulator.environment import (
    SMALL,
    Environment,
    OrgConfig,
    SalesRunner,
    SpendingRunner,
    SyncRunner,
)
from tests.fakes import OffsetClock, RecordingNotifier
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments


@pytest.fixture(scope="session")
def _emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulators.Emulators]:
    with emulators.running(tmp_path_factory.mktemp("emulator-logs")) as running:
        yield running


@pytest.fixture(scope="session")
def firestore_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Firestore emulator."""
    return _emulators.firestore


@pytest.fixture(scope="session")
def pubsub_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Pub/Sub emulator."""
    return _emulators.pubsub


@pytest.fixture
def project() -> str:
    """A project of the test's own: the emulators keep projects apart."""
    return f"demo-{secrets.token_hex(6)}"


@pytest.fixture(scope="session", autouse=True)
def _every_query_has_its_index() -> Iterator[None]:
    """Fails the test that makes a query which Firestore itself would refuse."""
    declared = indexes.declared()
    to_query, to_aggregation = BaseQuery._to_protobuf, BaseAggregationQuery._to_protobuf

    def checked(self: BaseQuery) -> object:
        query = to_query(self)
        lack = indexes.missing(indexes.needs(query), declared)
        assert lack is None, lack
        return query

    def checked_aggregation(self: BaseAggregationQuery) -> object:
        query = to_aggregation(self)
        wanted = indexes.needs(query.structured_query, indexes.sums_of(query))
        lack = indexes.missing(wanted, declared)
        assert lack is None, lack
        return query

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseQuery, "_to_protobuf", checked)
        patch.setattr(BaseAggregationQuery, "_to_protobuf", checked_aggregation)
        yield


@pytest.fixture
def client(firestore_host: str, project: str) -> Iterator[Client]:
    """Google's client of the test's own project."""
    with closing(firestore_client(firestore_host, project)) as found:
        yield found


@pytest.fixture
def database(client: Client) -> Database:
    return Database(client)


@pytest.fixture
def store(client: Client) -> StoredDocuments:
    """What is stored in the test's own project."""
    return StoredDocuments(client)


@pytest.fixture
def clock() -> OffsetClock:
    """The clock of all services."""
    return OffsetClock()


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """The orgs at the POS: a small one that was never synced."""
    return (SMALL,)


@pytest.fixture
def environment(
    client: Client, database: Database, clock: OffsetClock, specs: Sequence[OrgSpec]
) -> Iterator[Environment]:
    """The orgs at a simulated POS, and the services."""
    with serve(Simulation(specs)) as server:
        yield Environment(client, database, server, clock)


@pytest.fixture
def pos(environment: Environment) -> SimulatedPos:
    return environment.pos


@pytest.fixture
def org_config(environment: Environment) -> OrgConfig:
    return environment.org_config


@pytest.fixture
def notifier(environment: Environment) -> RecordingNotifier:
    """Where alerts arrive."""
    return environment.notifier


@pytest.fixture
def alerts(environment: Environment) -> Alerts:
    return environment.alerts


@pytest.fixture
def spending(environment: Environment) -> SpendingRunner:
    return environment.spending


@pytest.fixture
def sales(environment: Environment) -> SalesRunner:
    return environment.sales


@pytest.fixture
def sync(environment: Environment) -> SyncRunner:
    return environment.sync


@pytest.fixture
def shop(client: Client) -> Shop:
    """An org whose customers and orders the test writes by hand."""
    return Shop(client)
