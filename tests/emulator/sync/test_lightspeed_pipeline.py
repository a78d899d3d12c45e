"""Webhooks of the simulated Lightspeed, from their registration to spending and notification."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest
from flask import Request
from google.cloud.firestore import Client

from deploy.lightspeed_webhooks import LightspeedWebhooks
from deploy.local.loopback import LoopbackServer
from deploy.local.simulator.spec import OrgSpec
from shared.bootstrap import webhooks
from shared.bus.messages import PosSync
from shared.clock import utc_now
from shared.domain.notifications import NEW_ECOM_ORDER
from shared.outbound.credentials import SecretResolver, TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.rotating import RotatingSecrets
from shared.outbound.session import HttpSession
from shared.pos.config import LightspeedConfig, Location
from shared.pos.lightspeed.registration import WebhookRegistry
from shared.pos.lightspeed.webhooks import KINDS
from shared.pos.registry import open_lightspeed
from shared.services.admin.audit import Actor
from shared.services.sync.dispatch import SyncDispatcher
from shared.services.webhook_secrets import AddressSecrets
from shared.store.database import Database
from tests.emulator.environment import Environment
from tests.emulator.functions import InProcess
from tests.fakes import RecordingNotifier, RecordingPublisher
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed
from tests.stored import StoredDocuments

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ORG = SMALL_RETAILER.org_id
SECONDS = 20.0


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Nobody at Alleaves."""
    return ()


class Pipeline:
    """The ``webhooks`` function over HTTP, and ``org_sync``."""

    def __init__(self, environment: Environment, functions: InProcess, url: str) -> None:
        self.functions = functions
        self._environment = environment
        self.lines: list[str] = []
        resolver = SecretResolver(
            functions._read_secret, "demo", plain_text=True, sealer=functions.sealer
        )
        self._command = LightspeedWebhooks(
            environment.database,
            AddressSecrets(environment.database, resolver, utc_now, Actor("u1")),
            self._open,
            self.lines.append,
        )
        self._url = url

    def command(self, what: str) -> None:
        self._command(what, ORG, self._url)

    @property
    def newest_secret(self) -> str:
        """The last part of the address that was printed last."""
        return [line for line in self.lines if line.startswith(self._url)][-1].rpartition("/")[2]

    def received(self) -> list[PosSync]:
        """The requests for records since the last look."""
        taken, self.functions.published[:] = list(self.functions.published), []
        return [message for _, message in taken if isinstance(message, PosSync)]

    def process(self, count: int) -> None:
        """Wait for so many requests, and do what they ask for."""
        environment = self._environment
        found: list[PosSync] = []
        until = time.monotonic() + SECONDS
        while len(found) < count and time.monotonic() < until:
            found += self.received()
            time.sleep(0.02)
        assert len(found) == count
        again = RecordingPublisher()
        dispatch = SyncDispatcher(
            environment.sync.service(),
            environment.sync.targeted(again),
            environment.sync.dry_run(),
            environment.sales.service,
        )
        for message in found:
            dispatch(message)
        environment.spending.compute_requested()

    def _open(self, location: Location) -> WebhookRegistry:
        config = location.pos_config
        assert isinstance(config, LightspeedConfig)
        secrets = RotatingSecrets(self.functions._read_secret, _never, "demo")
        http, tokens = HttpSession(destinations=Destinations(loopback=True)), TokenCache(utc_now)
        return WebhookRegistry(open_lightspeed(location, config, http, tokens, utc_now, secrets))


def _never(resource: str, text: str) -> None:
    raise AssertionError(resource)


@pytest.fixture
def pipeline(
    client: Client, database: Database, environment: Environment, lightspeed: SimulatedLightspeed
) -> Iterator[Pipeline]:
    """A synced org whose webhooks are registered."""
    environment.sync.run(ORG)
    environment.spending.compute_requested()
    with pytest.MonkeyPatch.context() as patch:
        functions = InProcess(client.project, database, patch)
        app = functions.app(webhooks)

        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            return app(Request(environ))(environ, start_response)

        server = LoopbackServer(answer)
        made = Pipeline(environment, functions, f"http://{server.host}")
        made.command("register")
        yield made
        server.close()


def test_an_ecom_order_is_stored_counted_and_told_of_once(
    pipeline: Pipeline,
    client: Client,
    lightspeed: SimulatedLightspeed,
    environment: Environment,
    store: StoredDocuments,
    notifier: RecordingNotifier,
) -> None:
    # Given an org that asks to be told, and an order in its web shop
    alerts = {"urls": ["json://merchant"], "notify": [NEW_ECOM_ORDER]}
    client.document(f"tenants/{ORG}").set({"alerts": alerts}, merge=True)
    number = lightspeed.place_ecom_order(ORG)

    # When its sale arrives, which Lightspeed announces
    (sale_id,) = lightspeed.let_arrive(ORG, number)
    pipeline.process(1)

    # Then it is stored and counted
    order = store.document(f"tenants/{ORG}/orders/lightspeed_{sale_id}")
    assert order["channel"] == "ecom"
    spending = store.document(f"tenants/{ORG}/customer_spending/cid_{order['customerId']}")
    assert spending["totalSpent"] >= order["total"]

    # And however often it is announced again, it is asked for and told of once
    before = len(lightspeed.deliveries(ORG))
    for _ in range(3):
        lightspeed.announce(ORG, "sales", sale_id)
    until = time.monotonic() + SECONDS
    while len(lightspeed.deliveries(ORG)) < before + 3 and time.monotonic() < until:
        time.sleep(0.02)
    assert {each["status"] for each in lightspeed.deliveries(ORG)} == {200}
    assert pipeline.received() == []
    environment.sync.run(ORG)
    assert len([title for title in notifier.titles if "online order" in title]) == 1


def test_each_kind_is_registered_once_also_with_another_secret(
    pipeline: Pipeline, lightspeed: SimulatedLightspeed
) -> None:
    for what in ("register", "rotate", "register"):
        pipeline.command(what)

    found = lightspeed.control("GET", f"orgs/{ORG}/webhooks")
    assert sorted(each["type"] for each in found) == sorted(KINDS)
    assert len({each["url"] for each in found}) == 1
    assert all(each["url"].endswith(pipeline.newest_secret) for each in found)
    pipeline.command("remove")
    assert lightspeed.control("GET", f"orgs/{ORG}/webhooks") == []


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("customers", {"first_name": "Ines"}),
        ("products", {"name": "Another name"}),
        ("inventory", {"inventory_level": 4711}),
    ],
)
def test_what_else_changes_follows_too(
    pipeline: Pipeline,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
    kind: str,
    changes: dict[str, object],
) -> None:
    record = lightspeed.data(ORG)[kind][0]

    lightspeed.change(ORG, kind, record["id"], **changes)
    pipeline.process(1)

    events = store.documents(f"tenants/{ORG}/webhook_events").values()
    assert {event["state"] for event in events} == {"done"}
