"""Webhooks whose address names no org, through the function as it is wired."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Request, Response
from google.cloud.firestore import Client
from pydantic import SecretStr
from werkzeug.test import EnvironBuilder

from shared.bootstrap import webhooks
from shared.bus.messages import PosSync
from shared.store.database import Database
from shared.web.signatures import signature
from tests.emulator.functions import ALLEAVES_WEBHOOK_SECRET, InProcess
from tests.stored import StoredDocuments
from tests.webhook_examples import ALLEAVES, WebhookExample

PATH = "/api/webhooks/alleaves"
PLACE = 1000


class Hooks:
    """The ``webhooks`` function, and the orgs that it knows."""

    def __init__(self, functions: InProcess, client: Client, database: Database) -> None:
        self.functions = functions
        self._client = client
        self._database = database
        self._app = functions.app(webhooks)

    def add(self, org_id: str, **config: object) -> None:
        """Give the org an active location at Alleaves."""
        fields = {"provider": "alleaves", "status": "active", **config}
        self._client.document(f"locations/main-{org_id}").set(
            {"orgId": org_id, "name": org_id, "posConfig": fields}
        )

    def add_many(self, count: int) -> None:
        """That many orgs, each with a secret and a location of its own."""
        batch = self._client.batch()
        for number in range(count):
            config = {
                "provider": "alleaves",
                "status": "active",
                "locationId": str(PLACE + number),
                "webhookSecret": f"secret {number}",
            }
            fields = {"orgId": f"org_{number}", "posConfig": config}
            batch.set(self._client.document(f"locations/main-{number}"), fields)
        batch.commit()

    def send(self, secret: str, body: str, path: str = PATH, **headers: str) -> Response:
        sent = {"X-Alleaves-Signature": signature(body.encode(), SecretStr(secret)), **headers}
        made = EnvironBuilder(path, method="POST", data=body, headers=list(sent.items()))
        return self._app(Request(made.get_environ()))

    def asked_for(self) -> list[str]:
        """The orgs whose records were requested since the last look."""
        published, self.functions.published[:] = list(self.functions.published), []
        return [m.org_id for _, m in published if isinstance(m, PosSync)]

    def reads(self) -> int:
        """Documents read since the last look."""
        meter = self._database.meter
        reads, meter.reads = meter.reads, 0
        return reads


@pytest.fixture
def hooks(client: Client, database: Database) -> Iterator[Hooks]:
    with pytest.MonkeyPatch.context() as patch:
        yield Hooks(InProcess(client.project, database, patch), client, database)


def event(**fields: object) -> str:
    return json.dumps({"event": "order.created", "data": {"id_order": 8155}, **fields})


def code_of(answer: Response) -> Any:
    return json.loads(answer.data)["error"]["code"]


def test_the_secret_says_which_org_it_is(hooks: Hooks, store: StoredDocuments) -> None:
    hooks.add("org_a", webhookSecret="secret a", locationId=str(PLACE))
    hooks.add("org_b", webhookSecret="secret b", locationId=str(PLACE))

    assert hooks.send("secret a", event()).status_code == 200
    assert hooks.send("secret b", event(id_location=PLACE)).status_code == 200
    refused = hooks.send("a guess", event())

    assert (refused.status_code, code_of(refused)) == (401, "not_signed_in")
    assert hooks.asked_for() == ["org_a", "org_b"]
    for org_id in ("org_a", "org_b"):
        (kept,) = store.documents(f"tenants/{org_id}/webhook_events").values()
        assert kept["orderIds"] == ["8155"]


@pytest.mark.parametrize("stored", [1001, "1001"])
@pytest.mark.parametrize("sent", [1001, "1001"])
def test_of_orgs_that_share_a_secret_the_location_decides(
    hooks: Hooks, stored: object, sent: object
) -> None:
    hooks.add("org_a", webhookSecret="shared", locationId=PLACE)
    hooks.add("org_b", webhookSecret="shared", locationId=stored)

    assert hooks.send("shared", event(locationId=sent)).status_code == 200
    unclear = hooks.send("shared", event())

    assert (unclear.status_code, code_of(unclear)) == (409, "org_unclear")
    assert hooks.asked_for() == ["org_b"]


def test_the_secret_of_the_environment_is_that_of_orgs_without_one(hooks: Hooks) -> None:
    hooks.add("org_a", locationId=PLACE)
    hooks.add("org_b", locationId=str(PLACE + 1))
    hooks.add("org_own", webhookSecret="its own", locationId=str(PLACE + 2))
    hooks.add("org_paused", status="paused", locationId=str(PLACE + 3))

    for place, status in ((0, 200), (1, 200), (2, 409), (3, 409), (9, 409)):
        answer = hooks.send(ALLEAVES_WEBHOOK_SECRET, event(id_location=PLACE + place))
        assert answer.status_code == status
    assert hooks.asked_for() == ["org_a", "org_b"]

    for org_id, status in (("org_a", 200), ("org_own", 401), ("org_nowhere", 401)):
        body = event(n=org_id)
        assert hooks.send(ALLEAVES_WEBHOOK_SECRET, body, f"{PATH}/{org_id}").status_code == status
        in_header = hooks.send(ALLEAVES_WEBHOOK_SECRET, body, **{"X-Org-Id": org_id})
        assert in_header.status_code == status
    assert hooks.asked_for() == ["org_a"]


def test_the_only_org_needs_neither_a_secret_of_its_own_nor_a_location(hooks: Hooks) -> None:
    hooks.add("org_only")

    assert hooks.send(ALLEAVES_WEBHOOK_SECRET, event()).status_code == 200
    assert hooks.asked_for() == ["org_only"]


@pytest.mark.parametrize("example", ALLEAVES)
def test_every_documented_webhook_is_received(
    hooks: Hooks, store: StoredDocuments, example: WebhookExample
) -> None:
    hooks.add("org_a", webhookSecret="secret a", locationId=str(PLACE))
    body = json.dumps({k: v for k, v in json.loads(example.body).items() if k != "timestamp"})

    assert hooks.send("secret a", body).status_code == 200

    (kept,) = store.documents("tenants/org_a/webhook_events").values()
    assert kept[f"{example.kind}Ids"] == list(example.ids)


def test_reads_do_not_grow_with_the_number_of_orgs(hooks: Hooks) -> None:
    # Given hundreds of orgs
    hooks.add_many(300)
    hooks.reads()

    # When a webhook names its location, it costs one read, and then none
    assert hooks.send("secret 150", event(id_location=PLACE + 150)).status_code == 200
    assert hooks.reads() == 1
    assert hooks.send("secret 150", event(id_location=PLACE + 150, n=1)).status_code == 200
    assert hooks.reads() == 0

    # And webhooks without a location have the secrets read once, forged ones too
    for number in range(20):
        assert hooks.send("a guess", event(n=number)).status_code == 401
        assert hooks.send(f"secret {number}", event(n=number)).status_code == 200
    assert hooks.reads() == 300


def test_what_is_not_signed_costs_no_read(hooks: Hooks) -> None:
    hooks.add_many(3)
    hooks.reads()

    for sent in ("", "sha256=", "guess", "0" * 63):
        for path, org_id in ((PATH, ""), (f"{PATH}/org_1", ""), (PATH, "org_1")):
            headers = {"X-Alleaves-Signature": sent, "X-Org-Id": org_id}
            assert hooks.send("-", event(), path, **headers).status_code == 401

    assert hooks.reads() == 0
