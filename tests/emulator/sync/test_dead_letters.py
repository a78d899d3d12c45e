"""Messages that were given up: kept, and the run that they were about is ended."""

import json
from datetime import timedelta

import pytest
from google.cloud.firestore import Client
from structlog.testing import capture_logs

from deploy.manifest import Manifest
from shared.bus.events import REPLAY_OF, Delivery
from shared.bus.messages import PosSync
from shared.services.alerts import Alerts
from shared.services.dead_letters import RecordDeadLetter, ReplayDeadLetters, ResendOnce, topic_of
from shared.store import paths
from shared.store.database import Database
from tests.emulator.environment import hold_org
from tests.fakes import OffsetClock, RecordingLaterPublisher, RecordingNotifier, RecordingTopics
from tests.stored import StoredDocuments

ORG = "org_test"
RUN = f"tenants/{ORG}/sync_runs/monday"


@pytest.fixture
def record(database: Database, clock: OffsetClock, alerts: Alerts) -> RecordDeadLetter:
    return RecordDeadLetter(database, alerts, clock.now)


QUARTER = timedelta(minutes=15)


@pytest.fixture
def later() -> RecordingLaterPublisher:
    """The queue by which pos-sync is published to later."""
    return RecordingLaterPublisher()


@pytest.fixture
def resending(
    database: Database, clock: OffsetClock, alerts: Alerts, later: RecordingLaterPublisher
) -> RecordDeadLetter:
    """The function as it is deployed: letters are sent again by themselves."""
    resend = ResendOnce(database, {"org_sync": later, "spending": later}, clock.now, QUARTER)
    return RecordDeadLetter(database, alerts, clock.now, resend)


def letter(**message: object) -> Delivery:
    return delivered("4711", message)


def delivered(message_id: str, message: object, **attributes: str) -> Delivery:
    of_pubsub = {
        "CloudPubSubDeadLetterSourceSubscription": "org-sync",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
    }
    return Delivery(message_id, json.dumps(message).encode(), of_pubsub | attributes)


def request(run_id: str, org_id: str = ORG) -> dict[str, str]:
    return {"orgId": org_id, "runId": run_id, "trigger": "cron"}


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


def test_a_letter_says_why_the_last_delivery_failed_and_whose_turn_it_is(
    client: Client,
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    record: RecordDeadLetter,
) -> None:
    # Given a run whose last delivery failed for a known reason
    begin(client, clock)
    why = "The secret main-pin could not be asked for."
    cause = {"code": "secrets_unavailable", "owner": "us", "message": why}
    client.document(RUN).update({"error": cause})

    # When its message dies
    with capture_logs() as logs:
        record(sync_letter())

    # Then letter, run, status, alert and log say why
    kept, status = store.document("dead_letters/4711"), store.status(ORG)
    assert kept["cause"] == cause
    assert kept["message"] == f"not processed after 5 deliveries. The last time: {why}"
    assert why in store.document(RUN)["error"]["message"]
    assert why in status["lastError"]
    assert (status["lastErrorCode"], status["lastErrorOwner"]) == ("run_given_up", "us")
    assert why in notifier.bodies[0]
    (line,) = [each for each in logs if each["event"] == "dead_letter_recorded"]
    assert (line["org_id"], line["run_id"], line["owner"]) == (ORG, "monday", "us")
    assert line["reason"] == kept["message"]


def test_a_letter_of_no_run_is_logged_with_its_org(
    client: Client, record: RecordDeadLetter
) -> None:
    with capture_logs() as logs:
        record(letter(orgId=ORG, customerIds=["1"]))

    (line,) = [each for each in logs if each["event"] == "dead_letter_recorded"]
    assert (line["org_id"], line["reason"]) == (ORG, "not processed after 5 deliveries")


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


def test_a_late_letter_is_sent_again_once_after_a_pause(
    store: StoredDocuments,
    clock: OffsetClock,
    later: RecordingLaterPublisher,
    resending: RecordDeadLetter,
) -> None:
    # When the letter comes, twice
    for _ in range(2):
        resending(delivered("1", request("monday")))

    # Then it is to be sent again once, for a run of its own by the same trigger
    ((at, text, attributes),) = later.texts
    assert abs(at - clock.now() - QUARTER) < timedelta(minutes=1)
    assert json.loads(text) == request("monday-replay-1")
    assert attributes == {REPLAY_OF: "1"}
    assert store.document("dead_letters/1")["replayedAt"] is not None

    # When what was sent comes back as a letter, and so does a part that its run left over
    again = PosSync.parse(json.loads(text)).to_json()
    resending(delivered("2", again, **attributes))
    resending(delivered("3", again | {"trigger": "continuation"}))

    # Then both stay for a person
    assert len(later.texts) == 1
    back = store.document("dead_letters/1-returned")
    assert (back["replayOf"], back["replayedAt"]) == ("1", None)
    assert store.document("dead_letters/3")["replayedAt"] is None


def test_twins_of_a_letter_are_sent_again_once(
    later: RecordingLaterPublisher, resending: RecordDeadLetter
) -> None:
    for message_id in ("1", "2"):
        resending(delivered(message_id, request("monday")))

    assert len(later.texts) == 1


def test_a_crash_before_the_letter_is_marked_sends_it_no_second_time(
    client: Client,
    store: StoredDocuments,
    later: RecordingLaterPublisher,
    resending: RecordDeadLetter,
) -> None:
    # Given a letter whose task was made and that was not marked
    resending(delivered("1", request("monday")))
    client.document("dead_letters/1").update({"replayedAt": None})
    # When
    resending(delivered("1", request("monday")))
    # Then
    assert len(later.texts) == 1
    assert store.document("dead_letters/1")["replayedAt"] is not None


def test_the_pause_grows_with_the_letters_of_the_org_and_starts_anew_after_a_day(
    clock: OffsetClock, later: RecordingLaterPublisher, resending: RecordDeadLetter
) -> None:
    # Given four letters of an org, one of another, and one two days after
    for number in range(4):
        resending(delivered(f"a{number}", request(f"run-{number}")))
    resending(delivered("b", request("run", "org_other")))
    clock.later = timedelta(days=2)
    resending(delivered("a4", request("run-4")))
    # Then
    began = clock.now()
    sent_at = [at for at, _, _ in later.texts]
    before = [began - clock.later] * 5 + [began]
    pauses = [round((at - since) / QUARTER) for at, since in zip(sent_at, before, strict=True)]
    assert pauses == [1, 4, 16, 16, 1, 1]


@pytest.mark.parametrize(
    ("message", "source"),
    [
        (request("monday"), "eventarc-order-recompute-sub-1"),
        (request("monday") | {"requestedBy": "x" * 100_000}, "org-sync"),
        (request("monday") | {"requestedBy": "x" * 300_000}, "org-sync"),
    ],
    ids=["of no topic", "too large for a task", "not kept whole"],
)
def test_a_letter_that_cannot_be_sent_as_it_was_stays_for_a_person(
    store: StoredDocuments,
    later: RecordingLaterPublisher,
    resending: RecordDeadLetter,
    message: object,
    source: str,
) -> None:
    resending(delivered("1", message, CloudPubSubDeadLetterSourceSubscription=source))

    assert later.texts == []
    assert store.document("dead_letters/1")["replayedAt"] is None


def test_a_letter_that_was_replayed_by_hand_is_not_sent_by_itself_and_the_other_way_round(
    database: Database,
    clock: OffsetClock,
    record: RecordDeadLetter,
    later: RecordingLaterPublisher,
    resending: RecordDeadLetter,
) -> None:
    # Given a replay by hand
    topics = RecordingTopics()
    manifest = Manifest.read()
    replay = ReplayDeadLetters(
        database,
        topics.publish,
        lambda source: topic_of(source, manifest.topics_of_functions),
        clock.now,
    )
    record(delivered("1", request("monday")))
    assert replay(None, None, 100).sent == 1
    # When the letter is delivered once more, and another one comes
    resending(delivered("1", request("monday")))
    resending(delivered("2", request("tuesday")))
    # Then only the other one is sent by itself, and that not by hand
    assert [attributes for _, _, attributes in later.texts] == [{REPLAY_OF: "2"}]
    assert replay(None, None, 100).sent == 0
