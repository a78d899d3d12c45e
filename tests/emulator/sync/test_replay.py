"""What failed is tried again by one command, and twice does no harm."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import requests

from deploy.manifest import Manifest
from deploy.replay import topic_of
from shared.bus.messages import PosSync
from shared.services.replay import ReplayDeadLetters, ReplayQuarantine
from shared.services.sync.commands import SyncOrg, SyncRecords, command_of
from shared.services.sync.targeted import TargetedSync
from shared.store import dead_letters
from tests.emulator.sync.world import Outbox, World

ORG = "org_test"
MANIFEST = Manifest.read()


class Topics:
    """What was published, by topic."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def publish(self, topic: str, texts: Sequence[str]) -> None:
        self.sent += [(topic, json.loads(text)) for text in texts]

    def take(self) -> list[tuple[str, Any]]:
        taken, self.sent = self.sent, []
        return taken


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
def letters(world: World, topics: Topics) -> ReplayDeadLetters:
    return ReplayDeadLetters(
        world.database, topics.publish, lambda source: topic_of(MANIFEST, source), world.now
    )


def bury(world: World, key: str, message: object, source: str = "org-sync-push") -> None:
    """Record a dead letter."""
    dead_letters.record(
        world.database,
        key,
        topic=source,
        text=json.dumps(message),
        code="delivery_attempts_exhausted",
        reason="not processed after 5 deliveries",
        now=world.now(),
    )


def replay_quarantine(world: World, record_id: str | None = None) -> int:
    """Replay, and what org_sync does with the messages; how many records were asked for."""
    sent = Outbox()
    asked = ReplayQuarantine(world.database, sent.publish, world.now)(ORG, record_id, 100)
    service = world.service()
    targeted = TargetedSync(
        database=world.database,
        open_pos=world.open_pos,
        spending=world.spending_asked,
        pos_sync=sent,
        clock=world.now,
        seconds=60,
        lease_ttl=service.lease_ttl,
    )
    for message in sent.take():
        assert isinstance(message, PosSync)
        match command_of(message):
            case SyncRecords() as command:
                targeted(command)
            case SyncOrg() as command:
                service(command)
    return asked.sent


def quarantined(world: World) -> set[str]:
    return set(world.documents(f"tenants/{ORG}/quarantine"))


def test_a_dead_letter_is_sent_again_once_and_asks_for_a_new_run(
    world: World, letters: ReplayDeadLetters, topics: Topics
) -> None:
    # Given a sync that was given up
    message = {"orgId": ORG, "runId": "doomed", "trigger": "cron", "full": True}
    bury(world, "71", message)

    # When it is replayed twice
    assert letters(None, None, 100).sent == 1
    assert letters(None, None, 100).sent == 0

    # Then it is sent once, for a run of its own, and marked
    again = {**message, "runId": "doomed-replay-71", "trigger": "manual"}
    assert topics.take() == [("pos-sync", again)]
    assert world.document("dead_letters/71")["replayedAt"] is not None

    # When the dead letter itself is delivered again, then it stays replayed
    bury(world, "71", message)
    assert letters(None, None, 100).sent == 0

    # When it is asked for by its id, then it is sent once more, for the same run
    assert letters(None, "71", 100).sent == 1
    assert topics.take() == [("pos-sync", again)]

    # and that run is made once
    for _ in range(2):
        world.service()(SyncOrg.of(PosSync.parse(again)))
    assert world.document(f"tenants/{ORG}/sync_runs/doomed-replay-71")["state"] == "succeeded"


def test_only_the_letters_of_an_org_and_only_so_many_are_replayed(
    world: World, letters: ReplayDeadLetters, topics: Topics
) -> None:
    # Given letters of two orgs, and one that is no JSON
    for number in range(5):
        bury(world, f"a{number}", {"orgId": "org_a", "customerIds": ["1"]}, "spending-push")
    bury(world, "b0", {"orgId": "org_b"}, "projects/p/subscriptions/eventarc-x-org-sync-1-sub-2")

    # When those of one org are replayed, three at the most
    assert letters("org_a", None, 3).sent == 3

    # Then just these are sent, as they were
    assert topics.take() == [("spending", {"orgId": "org_a", "customerIds": ["1"]})] * 3

    # When the rest follows, then each goes to the topic of the function that gave it up
    assert letters(None, None, 100).sent == 3
    assert sorted(topic for topic, _ in topics.take()) == ["pos-sync", "spending", "spending"]


def test_a_letter_that_came_from_no_topic_is_left(
    world: World, letters: ReplayDeadLetters, topics: Topics
) -> None:
    bury(world, "9", {"orgId": ORG}, "eventarc-somewhere-else-sub-1")

    assert letters(None, None, 100).left == ("9",)
    assert topics.take() == []


def test_an_order_leaves_quarantine_once_the_pos_can_be_read_however_old_it_is(
    world: World,
) -> None:
    # Given an old order whose total could not be read
    orders = [o for o in world.pos_data(ORG)["orders"] if o["id_customer"]]
    old = min(orders, key=lambda o: o["date_created"])
    world.change(ORG, "orders", old["id_order"], total="not a number")
    world.sync(ORG)
    key = f"orders_alleaves_{old['id_order']}"
    assert quarantined(world) == {key}

    # When it is corrected at the POS, the next sync does not see it: it is too old
    world.change(ORG, "orders", old["id_order"], total=old["total"])
    world.sync(ORG)
    assert quarantined(world) == {key}

    # When it is replayed
    calls = world.pos_calls()
    assert replay_quarantine(world, key) == 1

    # Then it is stored, out of quarantine, and cost a call or two
    assert quarantined(world) == set()
    stored = world.document(f"tenants/{ORG}/orders/alleaves_{old['id_order']}")
    assert abs(stored["total"]) == abs(float(old["total"]))
    assert world.pos_calls() - calls <= 4


def test_many_orders_that_are_still_unreadable_stay_and_the_others_are_stored(
    world: World,
) -> None:
    # Given fourteen unreadable orders, two of which are corrected
    orders = [o for o in world.pos_data(ORG)["orders"] if o["id_customer"]][:14]
    for order in orders:
        world.change(ORG, "orders", order["id_order"], total="not a number")
    world.sync(ORG)
    assert len(quarantined(world)) == 14
    for order in orders[:2]:
        world.change(ORG, "orders", order["id_order"], total=order["total"])

    # When all are replayed
    assert replay_quarantine(world) == 14

    # Then two are out, and twelve stay
    left = {f"orders_alleaves_{o['id_order']}" for o in orders[2:]}
    assert quarantined(world) == left


def test_records_without_an_id_are_asked_for_by_a_sync_of_their_stream(world: World) -> None:
    # Given customers and a product that could not be read
    world.fault("malformed", endpoint="customers", damage="missing_id", records=2)
    world.sync(ORG)
    assert len(quarantined(world)) == 2
    writes = world.database.meter.writes

    # When the POS is well again and they are replayed
    world.no_faults()
    assert replay_quarantine(world) == 2

    # Then they are stored
    assert len(world.documents(f"tenants/{ORG}/customers")) == 230
    assert writes == world.database.meter.writes, "replay itself writes nothing for them"

    # and customers alone were asked for
    runs = world.documents(f"tenants/{ORG}/sync_runs")
    (replayed,) = [run for key, run in runs.items() if key.startswith("replay-")]
    assert set(replayed["streams"]) == {"customers"}
    assert replayed["requestedBy"] == "replay"


def test_the_command_works_on_emulators_by_their_environment_variables(
    world: World, firestore_host: str, pubsub_host: str, project: str
) -> None:
    # Given a dead letter, a quarantined order, and a topic that somebody listens to
    bury(world, "5", {"orgId": ORG, "runId": "doomed", "trigger": "cron"})
    world.client.document(f"tenants/{ORG}/quarantine/orders_alleaves_7").set({"stream": "orders"})
    base = f"http://{pubsub_host}/v1/projects/{project}"
    requests.put(f"{base}/topics/pos-sync", json={}, timeout=20).raise_for_status()
    listening = {"topic": f"projects/{project}/topics/pos-sync"}
    requests.put(f"{base}/subscriptions/all", json=listening, timeout=20).raise_for_status()
    environment = {
        **os.environ,
        "GOOGLE_CLOUD_PROJECT": project,
        "FIRESTORE_EMULATOR_HOST": firestore_host,
        "PUBSUB_EMULATOR_HOST": pubsub_host,
    }

    # When the command is run for each
    said = [
        subprocess.run(
            [sys.executable, "-m", "deploy.replay", what, "--org", ORG],
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


def test_nothing_in_quarantine_is_nothing_to_do(world: World) -> None:
    assert replay_quarantine(world) == 0
