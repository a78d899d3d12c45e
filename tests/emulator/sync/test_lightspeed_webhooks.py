"""Webhooks of Lightspeed through the function as it is wired, and the command that registers
them."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Request, Response
from google.cloud.firestore import Client
from pydantic import SecretStr
from structlog.testing import capture_logs
from werkzeug.test import EnvironBuilder

from deploy.lightspeed_webhooks import LightspeedWebhooks
from shared.bootstrap import webhooks
from shared.bus.messages import PosSync
from shared.clock import utc_now
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import SecretResolver
from shared.pos.config import LightspeedConfig, Location
from shared.pos.lightspeed.api import LightspeedApi
from shared.pos.lightspeed.registration import WebhookRegistry
from shared.pos.lightspeed.webhooks import ADDRESS_PATH, CUSTOMER, INVENTORY, KINDS, PRODUCT, SALE
from shared.services.admin.audit import Actor
from shared.services.webhook_secrets import AddressSecrets
from shared.services.webhook_senders import OLD_COUNTS, READS_ALLOWED
from shared.store.database import Database
from shared.web.signatures import signature
from tests.emulator.functions import InProcess
from tests.stored import StoredDocuments
from tests.unit.pos.lightspeed.account import Account
from tests.unit.pos.outside import Outside

ORG = "org_harbor"
SECRET = "A-secret_of-thirty-two-characters"
OLD = "The-one_before-with-32-characters"
APP_SECRET = "what the app signs with"
URL = "https://hooks.example.com"


class Hooks:
    """The ``webhooks`` function, and the orgs that it knows."""

    def __init__(self, functions: InProcess, client: Client, database: Database) -> None:
        self.functions = functions
        self.database = database
        self._client = client
        self._app = functions.app(webhooks)

    def add(self, org_id: str, **config: object) -> None:
        """Give the org an active location at Lightspeed."""
        fields = {"provider": "lightspeed", "status": "active", "token": "lsxs_pt_1", **config}
        self._client.document(f"locations/main-{org_id}").set(
            {"orgId": org_id, "name": "Main Street", "posConfig": fields}
        )

    def config(self, org_id: str = ORG) -> dict[str, Any]:
        config: dict[str, Any] = (
            self._client.document(f"locations/main-{org_id}").get(["posConfig"]).get("posConfig")
        )
        return config

    def send(self, path: str, body: bytes, **headers: str) -> Response:
        media = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        made = EnvironBuilder(path, method="POST", data=body, headers=list(media.items()))
        return self._app(Request(made.get_environ()))

    def to_address(self, body: bytes, secret: str = SECRET, org_id: str = ORG) -> int:
        """Send a webhook that is not signed; the status of its answer."""
        return self.send(f"{ADDRESS_PATH}/{org_id}/{secret}", body).status_code

    def signed(self, body: bytes, secret: str = APP_SECRET, path: str = ADDRESS_PATH) -> int:
        """Send a signed webhook; the status of its answer."""
        digest = bytes.fromhex(signature(body, SecretStr(secret)))
        sent = f"algorithm=HMAC-SHA256,signature={b64encode(digest).decode()}"
        return self.send(path, body, **{"X-Signature": sent}).status_code

    def asked_for(self) -> list[PosSync]:
        """The requests for records since the last look."""
        published, self.functions.published[:] = list(self.functions.published), []
        return [message for _, message in published if isinstance(message, PosSync)]

    def reads(self) -> int:
        """Documents read since the last look."""
        meter = self.database.meter
        reads, meter.reads = meter.reads, 0
        return reads


@pytest.fixture
def hooks(client: Client, database: Database) -> Iterator[Hooks]:
    with pytest.MonkeyPatch.context() as patch:
        yield Hooks(InProcess(client.project, database, patch), client, database)


def sale(number: int = 1, version: int | None = 7, **fields: str) -> bytes:
    payload: dict[str, Any] = {"id": f"sale-{number}", "register_id": "r", "invoice_number": "7"}
    if version is not None:
        payload["version"] = version
    return form(payload, **{"type": SALE, "environment": "prod", **fields})


def form(payload: dict[str, Any], **fields: str) -> bytes:
    return urlencode({"payload": json.dumps(payload), **fields}).encode()


def events(store: StoredDocuments, org_id: str = ORG) -> list[dict[str, Any]]:
    return list(store.documents(f"tenants/{org_id}/webhook_events").values())


def test_a_webhook_made_by_hand_is_known_by_the_secret_in_its_address(
    hooks: Hooks, store: StoredDocuments
) -> None:
    hooks.add(ORG, webhookSecret=SECRET)
    hooks.add("org_other", webhookSecret=OLD)

    with capture_logs() as logs:
        assert hooks.to_address(sale()) == 200
        assert hooks.to_address(sale(), OLD) == 401
        assert hooks.to_address(sale(), SECRET, "org_other") == 401

    (asked,) = hooks.asked_for()
    assert (asked.org_id, asked.order_ids) == (ORG, ("sale-1",))
    assert [event["event"] for event in events(store)] == [SALE]
    assert SECRET not in str(logs)
    assert OLD not in str(logs)


@pytest.mark.parametrize(
    ("kind", "payload", "ids"),
    [
        (SALE, {"id": "s"}, {"orderIds": ["s"]}),
        (CUSTOMER, {"id": "c"}, {"customerIds": ["c"]}),
        (PRODUCT, {"id": "p"}, {"productIds": ["p"]}),
        (INVENTORY, {"id": "i", "product_id": "p", "outlet_id": "o"}, {"productIds": ["p"]}),
        ("consignment.send", {"id": "x"}, {}),
    ],
)
def test_every_kind_comes_to_the_same_path(
    hooks: Hooks,
    store: StoredDocuments,
    kind: str,
    payload: dict[str, Any],
    ids: dict[str, list[str]],
) -> None:
    hooks.add(ORG, webhookSecret=SECRET)

    assert hooks.to_address(form(payload, type=kind)) == 200

    (kept,) = events(store)
    assert kept["event"] == kind
    assert {name: kept[name] for name in ("orderIds", "customerIds", "productIds")} == {
        "orderIds": [],
        "customerIds": [],
        "productIds": [],
        **ids,
    }
    assert kept["state"] == ("waiting" if ids else "unknown")
    assert len(hooks.asked_for()) == bool(ids)


def test_twenty_repeats_over_two_days_change_nothing_and_a_later_change_does(
    hooks: Hooks, store: StoredDocuments
) -> None:
    # Given a webhook that is sent again and again, spelled otherwise too
    hooks.add(ORG, webhookSecret=SECRET)
    for number in range(20):
        assert hooks.to_address(sale(environment="prod" if number % 2 else "production")) == 200
    assert len(events(store)) == len(hooks.asked_for()) == 1
    assert events(store)[0]["expireAt"] - datetime.now(UTC) > timedelta(hours=49)

    # When the same sale has changed, it is fetched again
    assert hooks.to_address(sale(version=8)) == 200
    assert (len(events(store)), len(hooks.asked_for())) == (2, 1)

    # And where its version is not said, the body tells one change from another
    assert hooks.to_address(sale(version=None)) == 200
    assert hooks.to_address(sale(version=None)) == 200
    assert len(events(store)) == 3


def test_of_a_thousand_forged_webhooks_none_gets_in_and_few_documents_are_read(
    hooks: Hooks, store: StoredDocuments
) -> None:
    # Given orgs with a secret in their address, and one whose app signs
    for number in range(20):
        hooks.add(f"org_{number}", webhookSecret=f"{number:040}", domainPrefix=f"shop-{number}")
    hooks.add(ORG, webhookSecret=SECRET, clientSecret=APP_SECRET, domainPrefix="harbor")
    hooks.reads()

    # When strangers send a thousand, with guessed secrets, signatures, orgs and accounts
    statuses = set()
    for number in range(250):
        guess, body = f"{number:032}", sale(number, domain_prefix="harbor")
        statuses |= {
            hooks.to_address(body, guess),
            hooks.to_address(body, guess, f"org_x{number}"),
            hooks.signed(body, guess, f"{ADDRESS_PATH}/{ORG}"),
            hooks.signed(sale(number, domain_prefix=f"shop-{number}"), guess),
        }

    # Then none is let in, nothing is stored or asked for, and the reads are bounded
    assert statuses == {401}
    assert hooks.asked_for() == []
    assert [events(store, org) for org in (ORG, "org_7")] == [[], []]
    assert hooks.reads() <= READS_ALLOWED + 50
    assert hooks.to_address(sale()) == 200
    assert hooks.signed(sale(2), path=f"{ADDRESS_PATH}/{ORG}") == 200


def test_the_account_that_a_signed_body_names_is_found_by_one_read(
    hooks: Hooks, store: StoredDocuments
) -> None:
    for number in range(20):
        hooks.add(f"org_{number}", clientSecret=APP_SECRET, domainPrefix=f"shop-{number}")
    hooks.reads()

    assert hooks.signed(sale(domain_prefix="shop-7")) == 200
    assert hooks.reads() == 1
    assert hooks.signed(sale(2, domain_prefix="shop-7")) == 200
    assert hooks.reads() == 0
    assert hooks.signed(sale()) == 409

    assert [asked.org_id for asked in hooks.asked_for()] == ["org_7", "org_7"]


def test_after_an_exchange_the_old_secret_counts_for_a_day(
    client: Client, database: Database, hooks: Hooks
) -> None:
    now = datetime.now(UTC)
    for org_id, at in (("org_new", now), ("org_late", now - OLD_COUNTS - timedelta(minutes=1))):
        hooks.add(org_id, webhookSecret=f"{SECRET} {OLD}", webhookSecretRotatedAt=at)

    assert [hooks.to_address(sale(), s, "org_new") for s in (SECRET, OLD)] == [200, 200]
    assert [hooks.to_address(sale(), s, "org_late") for s in (SECRET, OLD)] == [200, 401]


class Command:
    """The command, and the account that it works on. ``said`` are the lines it prints."""

    def __init__(self, hooks: Hooks) -> None:
        self.account = Account()
        self.said: list[str] = []
        resolver = SecretResolver(
            hooks.functions._read_secret, "demo", plain_text=True, sealer=hooks.functions.sealer
        )
        self._run = LightspeedWebhooks(
            hooks.database,
            AddressSecrets(hooks.database, resolver, utc_now, Actor("u1")),
            self._open,
            self.said.append,
        )

    def __call__(self, what: str) -> str:
        """What it prints."""
        self.said.clear()
        self._run(what, ORG, URL)
        return "\n".join(self.said)

    def _open(self, location: Location) -> WebhookRegistry:
        assert isinstance(location.pos_config, LightspeedConfig)
        session = Outside(self.account.answer).session
        return WebhookRegistry(LightspeedApi(session, location.pos_config, location_name="Main"))


@pytest.fixture
def command(hooks: Hooks) -> Command:
    return Command(hooks)


def test_registering_makes_a_secret_whose_address_is_received(
    hooks: Hooks, command: Command
) -> None:
    # Given an account with a personal token
    hooks.add(ORG, domainPrefix="harbor")

    # When its webhooks are registered, twice
    said = command("register")
    (address,) = command.account.urls()
    again = command("register")

    # Then all go to one address with a secret of 32 characters, which is shown to nobody
    secret = address.removeprefix(f"{URL}{ADDRESS_PATH}/{ORG}/")
    assert len(secret) == 32
    assert command.account.urls() == {address: list(KINDS)}
    assert secret not in f"{said}{again}"
    assert hooks.to_address(sale(), secret) == 200
    assert hooks.config()["token"] == "lsxs_pt_1"


def test_what_an_app_registers_is_signed_and_needs_no_secret_in_its_address(
    hooks: Hooks, command: Command
) -> None:
    hooks.add(ORG, domainPrefix="harbor", clientSecret=APP_SECRET, token="")
    command.account.token = ""

    command("register")

    assert list(command.account.urls()) == [f"{URL}{ADDRESS_PATH}/{ORG}"]
    assert "webhookSecret" not in hooks.config()


def test_what_a_person_registers_is_not_signed_though_there_is_an_app(
    hooks: Hooks, command: Command
) -> None:
    hooks.add(ORG, domainPrefix="harbor", clientSecret=APP_SECRET, webhookSecret=SECRET)

    command("register")

    assert list(command.account.urls()) == [f"{URL}{ADDRESS_PATH}/{ORG}/{SECRET}"]


def test_after_a_rotation_both_addresses_work_and_registering_replaces_the_old_one(
    hooks: Hooks, command: Command
) -> None:
    # Given registered webhooks
    hooks.add(ORG, domainPrefix="harbor", webhookSecret=OLD)
    command("register")
    (before,) = command.account.urls()

    # When the secret is exchanged
    said = command("rotate")
    address = next(line for line in said.splitlines() if line.startswith(URL))
    new = address.rpartition("/")[2]

    # Then the new address is printed, and both are received
    assert len(new) == 32
    assert [hooks.to_address(sale(), secret) for secret in (OLD, new)] == [200, 200]
    assert before.endswith(OLD)
    assert hooks.config()["webhookSecret"] == f"{new} {OLD}"

    # And registering puts it in the place of the old one
    command("register")
    assert command.account.urls() == {address: list(KINDS)}
    assert new not in command("list")
    command("remove")
    assert command.account.urls() == {}


@pytest.mark.parametrize("stored", ["short", "secret:hook", "a secret with blanks, by hand"])
def test_a_secret_that_is_none_for_an_address_is_not_exchanged(
    hooks: Hooks, command: Command, stored: str
) -> None:
    hooks.add(ORG, domainPrefix="harbor", webhookSecret=stored)

    with pytest.raises(ConfigurationInvalid, match="webhookSecret of location main"):
        command("rotate")

    assert hooks.config()["webhookSecret"] == stored


def test_an_org_without_lightspeed_is_told_so(hooks: Hooks, command: Command) -> None:
    hooks.add("org_other", domainPrefix="harbor")

    for what in ("register", "list", "rotate", "remove"):
        with pytest.raises(ConfigurationInvalid, match=ORG):
            command(what)
