"""Google's emulators, started once, and the parts of a synced org in a project of each test's own.

A test of other orgs than the small one overrides ``specs``.
"""

import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from google.cloud.firestore import Client

from deploy.local import emulators
from deploy.local.clients import firestore_client
from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation
from deploy.local.simulator.lightspeed.server import LightspeedServer
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from shared.services.alerts import Alerts
from shared.store.database import Database
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
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments
from tests.strict_firestore import process
from tests.strict_firestore.control import Control


@pytest.fixture(scope="session")
def _emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulators.Emulators]:
    with emulators.running(tmp_path_factory.mktemp("emulator-logs")) as running:
        yield running


@pytest.fixture(scope="session")
def emulator_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Firestore emulator itself."""
    return _emulators.firestore


@pytest.fixture(scope="session")
def strict_firestore(
    emulator_host: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Control | None]:
    """What stands before the emulator and refuses what Firestore refuses; None where
    STRICT_FIRESTORE=0 is set."""
    if not process.wanted():
        yield None
        return
    log = tmp_path_factory.mktemp("strict-firestore") / "refusals.log"
    with process.running(emulator_host, log) as control:
        yield control


@pytest.fixture(scope="session")
def firestore_host(emulator_host: str, strict_firestore: Control | None) -> str:
    """``127.0.0.1:PORT`` of what the tests take for Firestore."""
    return strict_firestore.host if strict_firestore else emulator_host


@pytest.fixture(autouse=True)
def _nothing_is_refused(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test whose calls Firestore itself would refuse, even if nobody noticed, unless it
    is marked as provoking that."""
    yield
    if "firestore_host" in request.fixturenames:
        control: Control | None = request.getfixturevalue("strict_firestore")
        refused = control.refusals() if control else []
        provoked = request.node.get_closest_marker("provokes_refusals")
        assert provoked or not refused, "\n".join(map(str, refused))


@pytest.fixture(scope="session")
def pubsub_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Pub/Sub emulator."""
    return _emulators.pubsub


@pytest.fixture
def project() -> str:
    """A project of the test's own: the emulators keep projects apart."""
    return f"demo-{secrets.token_hex(6)}"


@pytest.fixture
def client(firestore_host: str, project: str) -> Iterator[Client]:
    """Google's client of the test's own project."""
    with closing(firestore_client(firestore_host, project)) as found:
        yield found


@pytest.fixture
def database(client: Client) -> Database:
    return Database(client)


@pytest.fixture
def silent_database() -> Iterator[Database]:
    """A Firestore that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        with closing(firestore_client(host, "demo-silent")) as found:
            yield Database(found)


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
def retailers() -> Sequence[RetailerSpec]:
    """The retailers at Lightspeed: a small one. One with ``org`` belongs to an org of ``specs``."""
    return (SMALL_RETAILER,)


@pytest.fixture
def lightspeed(client: Client, retailers: Sequence[RetailerSpec]) -> Iterator[SimulatedLightspeed]:
    """The simulated Lightspeed; every retailer's outlets are configured as locations."""
    with LightspeedServer(LightspeedSimulation(retailers)) as server:
        OrgConfig(client).add_locations(server)
        yield SimulatedLightspeed(server.url)


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
