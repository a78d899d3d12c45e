"""What failed is tried again by one command, and twice does no harm."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import requests
from google.cloud.firestore import Client

from deploy.manifest import Manifest
from shared.bus.messages import PosSync
from shared.services.dead_letters import (
    NO_TOPIC,
    ReplayDeadLetters,
    ReplayQuarantine,
    topic_of,
)
from shared.services.sync.commands import SyncOrg, SyncRecords, command_of
from shared.store import dead_letters
from shared.store.database import Database
from tests.emulator.environment import SMALL, SyncRunner
from tests.fakes import OffsetClock, RecordingPublisher, RecordingTopics
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
TOPICS = Manifest.read().topics_of_functions


@pytest.fixture
def topics() -> RecordingTopics:
    return RecordingTopics()


RecordLetter = Callable[..., None]
ReplayQuarantined = Callable[..., int]


@pytest.fixture
def replay(database: Database, clock: OffsetClock, topics: RecordingTopics) -> ReplayDeadLetters:
    return ReplayDeadLetters(
        database, topics.publish, lambda source: topic_of(source, TOPICS), clock.now
    )


@pytest.fixture
def record_letter(database: Database, clock: OffsetClock) -> RecordLetter:
    """Records a dead letter."""

    def record(key: str, message: object, source: str = "org-sync-push") -> None:
        dead_letters.record(
            database,
            key,
            topic=source,
            data=json.dumps(message).encode(),
            code="delivery_attempts_exhausted",
            reason="not processed after 5 deliveries",
            now=clock.now(),
        )

    return record


@pytest.fixture
def replay_quarantine(
    database: Database, clock: OffsetClock, sync: SyncRunner
) -> ReplayQuarantined:
    """Replays, and has org_sync handle the messages; gives how many records were asked for."""

    def run(record_id: str | None = None) -> int:
        sent = RecordingPublisher()
        asked = ReplayQuarantine(database, sent.publish, clock.now)(ORG, record_id, 100)
        service, targeted = sync.service(), sync.targeted(sent)
        for message in sent.take():
            assert isinstance(message, PosSync)
            match command_of(message):
                case SyncRecords() as command:
                    targeted(command)
                case SyncOrg() as command:
                    service(command)
        return asked.sent

    return run


def quarantined(store: StoredDocuments) -> set[str]:
    return set(store.documents(f"tenants/{ORG}/quarantine"))


def test_a_dead_letter_is_sent_again_once_and_asks_for_a_new_run(
    store: StoredDocuments,
    sync: SyncRunner,
    record_letter: RecordLetter,
    replay: ReplayDeadLetters,
    topics: RecordingTopics,
) -> None:
    # Given a sync that was given up
    message = {"orgId": ORG, "runId": "doomed", "trigger": "cron", "full": True}
    record_letter("71", message)

    # When it is replayed twice
    assert replay(None, None, 100).sent == 1
    assert replay(None, None, 100).sent == 0

    # Then it is sent once, for a run of its own, and marked
    again = {**message, "runId": "doomed-replay-71", "trigger": "manual"}
    assert topics.take() == [("pos-sync", again)]
    assert store.document("dead_letters/71")["replayedAt"] is not None

    # When the dead letter itself is delivered again, then it stays replayed
    record_letter("71", message)
    assert replay(None, None, 100).sent == 0

    # When it is asked for by its id, then it is sent once more, for the same run
    assert replay(None, "71", 100).sent == 1
    assert topics.take() == [("pos-sync", again)]

    # and that run is made once
    for _ in range(2):
        sync.service()(SyncOrg.of(PosSync.parse(again)))
    assert store.document(f"tenants/{ORG}/sync_runs/doomed-replay-71")["state"] == "succeeded"


def test_only_the_dead_letters_of_an_org_and_only_so_many_are_replayed(
    record_letter: RecordLetter, replay: ReplayDeadLetters, topics: RecordingTopics
) -> None:
    # Given letters of two orgs, and one that is no JSON
    for number in range(5):
        record_letter(f"a{number}", {"orgId": "org_a", "customerIds": ["1"]}, "spending-push")
    record_letter(
        "b0",
        {"orgId": "org_b"},
        "projects/p/subscriptions/eventarc-x-org-sync-1-sub-2",
    )

    # When those of one org are replayed, three at the most
    assert replay("org_a", None, 3).sent == 3

    # Then just these are sent, as they were
    assert topics.take() == [("spending", {"orgId": "org_a", "customerIds": ["1"]})] * 3

    # When the rest follows, then each goes to the topic of the function that gave it up
    assert replay(None, None, 100).sent == 3
    assert sorted(topic for topic, _ in topics.take()) == ["pos-sync", "spending", "spending"]


def test_a_dead_letter_that_came_from_no_topic_is_left(
    record_letter: RecordLetter, replay: ReplayDeadLetters, topics: RecordingTopics
) -> None:
    record_letter("9", {"orgId": ORG}, "eventarc-somewhere-else-sub-1")

    assert replay(None, None, 100).left == {"9": NO_TOPIC}
    assert topics.take() == []


def test_an_order_leaves_quarantine_once_the_pos_can_be_read_however_old_it_is(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    replay_quarantine: ReplayQuarantined,
) -> None:
    # Given an old order whose total could not be read
    orders = [o for o in pos.data(ORG)["orders"] if o["id_customer"]]
    old = min(orders, key=lambda o: o["date_created"])
    pos.change(ORG, "orders", old["id_order"], total="not a number")
    sync.run(ORG)
    key = f"orders_alleaves_{old['id_order']}"
    assert quarantined(store) == {key}

    # When it is corrected at the POS, the next sync does not see it: it is too old
    pos.change(ORG, "orders", old["id_order"], total=old["total"])
    sync.run(ORG)
    assert quarantined(store) == {key}

    # When it is replayed
    calls = pos.total_calls()
    assert replay_quarantine(key) == 1

    # Then it is stored, out of quarantine, and cost a call or two
    assert quarantined(store) == set()
    stored = store.document(f"tenants/{ORG}/orders/alleaves_{old['id_order']}")
    assert abs(stored["total"]) == abs(float(old["total"]))
    assert pos.total_calls() - calls <= 4


@pytest.mark.parametrize("specs", [(SMALL.model_copy(update={"orders": 310}),)])
def test_many_orders_that_are_still_unreadable_stay_and_the_others_are_stored(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    replay_quarantine: ReplayQuarantined,
) -> None:
    # Given fourteen unreadable orders, two of which are corrected
    orders = [o for o in pos.data(ORG)["orders"] if o["id_customer"]][:14]
    for order in orders:
        pos.change(ORG, "orders", order["id_order"], total="not a number")
    sync.run(ORG)
    assert len(quarantined(store)) == 14
    for order in orders[:2]:
        pos.change(ORG, "orders", order["id_order"], total=order["total"])

    # When all are replayed
    assert replay_quarantine() == 14

    # Then two are out, and twelve stay
    left = {f"orders_alleaves_{o['id_order']}" for o in orders[2:]}
    assert quarantined(store) == left


def test_records_without_an_id_are_asked_for_by_a_sync_of_their_stream(
    database: Database,
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    replay_quarantine: ReplayQuarantined,
) -> None:
    # Given customers and a product that could not be read
    pos.fault("malformed", endpoint="customers", damage="missing_id", records=2)
    sync.run(ORG)
    assert len(quarantined(store)) == 2
    writes = database.meter.writes

    # When the POS is well again and they are replayed
    pos.clear_faults()
    assert replay_quarantine() == 2

    # Then they are stored
    assert len(store.documents(f"tenants/{ORG}/customers")) == SMALL.customers
    assert writes == database.meter.writes, "replay itself writes nothing for them"

    # and customers alone were asked for
    runs = store.documents(f"tenants/{ORG}/sync_runs")
    (replayed,) = [run for key, run in runs.items() if key.startswith("replay-")]
    assert set(replayed["streams"]) == {"customers"}
    assert replayed["requestedBy"] == "replay"


def test_the_command_works_on_emulators_by_their_environment_variables(
    client: Client,
    record_letter: RecordLetter,
    firestore_host: str,
    pubsub_host: str,
    project: str,
) -> None:
    # Given a dead letter, a quarantined order, and a topic that has a subscription
    record_letter("5", {"orgId": ORG, "runId": "doomed", "trigger": "cron"})
    client.document(f"tenants/{ORG}/quarantine/orders_alleaves_7").set({"stream": "orders"})
    base = f"http://{pubsub_host}/v1/projects/{project}"
    requests.put(f"{base}/topics/pos-sync", json={}, timeout=20).raise_for_status()
    listening = {"topic": f"projects/{project}/topics/pos-sync"}
    requests.put(f"{base}/subscriptions/all", json=listening, timeout=20).raise_for_status()
    environment = {
        **os.environ,
        "FIRESTORE_EMULATOR_HOST": firestore_host,
        "PUBSUB_EMULATOR_HOST": pubsub_host,
    }

    # When the command is run for each
    said = [
        subprocess.run(
            [
                *(sys.executable, "-m", "deploy.sam", "replay", what, "--org", ORG),
                *("--project", project),
            ],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for what in ("dead-letters", "quarantine", "dead-letters")
    ]

    # Then it says what it did, and both messages are in the topic
    assert said == ["1 sent again.\n", "1 sent again.\n", "0 sent again.\n"]
    pulled = requests.post(
        f"{base}/subscriptions/all:pull", json={"maxMessages": 10}, timeout=20
    ).json()["receivedMessages"]
    sent = [json.loads(base64.b64decode(each["message"]["data"])) for each in pulled]
    assert [message.get("runId", "").startswith("doomed-replay-5") for message in sent].count(True)
    assert [message["orderIds"] for message in sent if "orderIds" in message] == [["7"]]


def test_nothing_in_quarantine_is_nothing_to_do(replay_quarantine: ReplayQuarantined) -> None:
    assert replay_quarantine() == 0


def test_figures_in_quarantine_are_left_and_said_why(
    database: Database, client: Client, clock: OffsetClock
) -> None:
    # Given a customer whose spending could not be stored
    entry = {"stream": "spending", "errorCode": "spending_not_stored"}
    client.document(f"tenants/{ORG}/quarantine/spending_100001").set(entry)
    sent = RecordingPublisher()

    # When
    outcome = ReplayQuarantine(database, sent.publish, clock.now)(ORG, None, 100)

    # Then
    assert outcome.sent == 0
    assert "full sync" in outcome.left["spending_100001"]
    assert sent.take() == []
