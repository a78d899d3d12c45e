"""Messages that were given up: kept, and the run that they were about is ended."""

import json

import pytest
from google.cloud.firestore import Client

from shared.bus.events import Delivery
from shared.services.alerts import Alerts
from shared.services.dead_letters import RecordDeadLetter
from shared.store import paths
from shared.store.database import Database
from tests.emulator.environment import hold_org
from tests.fakes import OffsetClock, RecordingNotifier
from tests.stored import StoredDocuments

ORG = "org_test"
RUN = f"tenants/{ORG}/sync_runs/monday"


@pytest.fixture
def record(database: Database, clock: OffsetClock, alerts: Alerts) -> RecordDeadLetter:
    return RecordDeadLetter(database, alerts, clock.now)


def letter(**message: object) -> Delivery:
    attributes = {
        "CloudPubSubDeadLetterSourceSubscription": "org-sync",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
    }
    return Delivery("4711", json.dumps(message).encode(), attributes)


def sync_letter() -> Delivery:
    return letter(orgId=ORG, runId="monday", trigger="manual")


def begin(client: Client, clock: OffsetClock, state: str = "running") -> None:
    fields = {"state": state, "trigger": "manual", "startedAt": clock.now()}
    client.document(RUN).set(fields)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_whose_message_died_is_ended_and_people_hear_of_it_once(
    client: Client,
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    record: RecordDeadLetter,
    state: str,
) -> None:
    begin(client, clock, state)

    record(sync_letter())
    record(sync_letter())

    run = store.document(RUN)
    assert (run["state"], run["error"]["code"]) == ("failed", "run_given_up")
    assert store.status(ORG)["status"] == "error"
    assert "operators" in store.status(ORG)["lastError"]
    assert notifier.titles == ["A sync was given up"]
    kept = store.document("dead_letters/4711")
    assert json.loads(kept["data"])["runId"] == "monday"
    assert kept["message"] == "not processed after 5 deliveries"


def test_a_run_that_a_twin_of_its_message_is_at_work_on_is_left_alone(
    client: Client,
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    record: RecordDeadLetter,
) -> None:
    client.document(f"tenants/{ORG}").set({"name": "Juniper & Sons"})
    begin(client, clock)
    held = hold_org(database, ORG, "monday")

    record(sync_letter())

    assert store.document(RUN)["state"] == "running"
    assert notifier.titles == []
    assert store.document("dead_letters/4711")

    # Handed over, to a message that came no further, it has nobody at work any more.
    held.hand_over([])
    record(sync_letter())
    assert store.document(RUN)["state"] == "failed"
    assert store.document(paths.lease(ORG))["runId"] == "monday"


def test_a_run_that_has_ended_or_never_was_stays_as_it_is(
    client: Client,
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    record: RecordDeadLetter,
) -> None:
    record(sync_letter())
    assert store.document(RUN) == {}
    begin(client, clock, "succeeded")
    record(sync_letter())
    assert store.document(RUN)["state"] == "succeeded"
    assert notifier.titles == []


def test_a_message_that_is_of_no_run_is_kept(
    store: StoredDocuments, record: RecordDeadLetter
) -> None:
    record(letter(customerIds=["1"]))
    assert store.document("dead_letters/4711")["topic"] == "org-sync"
