"""Messages about orgs that nobody has configured, through the functions' own consumers."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.bootstrap import (
    cron_fanout,
    loyalty_reconcile,
    metrics,
    org_sync,
    segments,
    spending,
    verify,
)
from shared.store.database import Database
from tests.emulator.functions import InProcess, pubsub_event
from tests.stored import StoredDocuments

ORG = "org_nobody"
SYNC = {"orgId": ORG, "runId": "r1", "trigger": "manual"}
MESSAGES = [
    (org_sync, SYNC),
    (org_sync, {**SYNC, "trigger": "cron"}),
    (org_sync, {**SYNC, "streams": ["products"], "full": True}),
    (org_sync, {**SYNC, "dryRun": True}),
    (org_sync, {**SYNC, "streams": ["discounts"], "asStored": True}),
    (org_sync, {**SYNC, "customerIds": ["1"]}),
    (org_sync, {**SYNC, "runId": "webhook-1", "trigger": "webhook", "orderIds": ["1"]}),
    (org_sync, {**SYNC, "runId": "streams-1", "trigger": "webhook", "streams": ["orders"]}),
    (spending, {"orgId": ORG}),
    (spending, {"orgId": ORG, "customerIds": ["1", "2"]}),
    (segments, {"orgId": ORG}),
    (metrics, {"orgId": ORG, "asOf": "2026-03-02T10:00:00Z"}),
    (verify, {"orgId": ORG, "night": "2026-03-02"}),
    (loyalty_reconcile, {"orgId": ORG}),
    (loyalty_reconcile, {"orgId": ORG, "customerIds": ["1"]}),
    (cron_fanout, {"job": "pos-sync", "orgId": ORG}),
    (cron_fanout, {"job": "loyalty", "orgId": ORG}),
    (cron_fanout, {"job": "segments", "orgId": ORG}),
    (cron_fanout, {"job": "weekly-metrics", "orgId": ORG}),
    (cron_fanout, {"job": "verify", "orgId": ORG}),
    (cron_fanout, {"job": "watchdog", "orgId": ORG}),
]


@pytest.fixture
def functions(client: Client, database: Database) -> Iterator[InProcess]:
    with pytest.MonkeyPatch.context() as patch:
        yield InProcess(client.project, database, patch)


@pytest.mark.parametrize(("function", "message"), MESSAGES)
def test_a_message_for_an_unknown_org_is_a_dead_letter_and_writes_nothing_of_the_org(
    functions: InProcess, store: StoredDocuments, function: ModuleType, message: dict[str, Any]
) -> None:
    # When it is delivered twice
    consumer = functions.consumer(function)
    for _ in range(2):
        consumer(pubsub_event("m1", json.dumps(message)))
    # Then
    (letter,) = store.documents("dead_letters").values()
    assert (letter["errorCode"], letter["orgId"]) == ("invalid_message", ORG)
    assert store.everything(ORG) == {}
    assert functions.published == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (f"tenants/{ORG}", {"name": "Juniper & Sons"}),
        ("locations/main", {"orgId": ORG, "posConfig": {"status": "inactive"}}),
    ],
)
@pytest.mark.parametrize(("function", "message"), MESSAGES)
def test_an_org_that_a_tenant_or_a_location_names_is_known(
    functions: InProcess,
    client: Client,
    store: StoredDocuments,
    function: ModuleType,
    message: dict[str, Any],
    path: str,
    fields: dict[str, Any],
) -> None:
    client.document(path).set(fields)

    functions.consumer(function)(pubsub_event("m1", json.dumps(message)))

    assert store.documents("dead_letters") == {}


@pytest.mark.parametrize("org_id", ["\ud800", "..", "a/b", "x" * 300])
def test_a_message_whose_org_cannot_be_one_is_a_dead_letter(
    functions: InProcess, store: StoredDocuments, org_id: str
) -> None:
    text = json.dumps({**SYNC, "orgId": org_id})

    functions.consumer(org_sync)(pubsub_event("m1", text))

    (letter,) = store.documents("dead_letters").values()
    assert (letter["errorCode"], letter["data"]) == ("invalid_message", text)
