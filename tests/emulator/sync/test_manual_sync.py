"""Runs on demand: one at a time, watched, and not too often."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from shared.bus.messages import PosSync
from shared.domain.runs import RunState
from shared.errors import ConfigurationInvalid, NotFound, RateLimited
from shared.services.manual_sync import (
    AT_ONCE,
    RUNS_PER_HOUR,
    SPREAD_SECONDS,
    ManualSync,
    RunUnderWay,
    SyncRequest,
)
from shared.services.sync.commands import PreviewSync, SyncOrg, command_of
from shared.store.database import Database
from tests.emulator.environment import SyncRunner, hold_org
from tests.fakes import (
    FailingPublisher,
    OffsetClock,
    RecordingLaterPublisher,
    RecordingPublisher,
)
from tests.stored import StoredDocuments

ORG = "org_test"
REQUEST = SyncRequest(ORG, requested_by="u1")


@pytest.fixture
def queue() -> RecordingPublisher:
    """Where the runs are sent to."""
    return RecordingPublisher()


@pytest.fixture
def later() -> RecordingLaterPublisher:
    """Where the runs of many orgs are sent to."""
    return RecordingLaterPublisher()


@pytest.fixture
def manual_sync(
    database: Database,
    queue: RecordingPublisher,
    later: RecordingLaterPublisher,
    clock: OffsetClock,
) -> ManualSync:
    return ManualSync(database, queue, later, clock.now)


def end(client: Client, run_id: str) -> None:
    """As if ``org_sync`` had done the run."""
    client.document(f"tenants/{ORG}/sync_runs/{run_id}").update({"state": "succeeded"})


def test_a_run_has_its_document_before_its_message(
    manual_sync: ManualSync, queue: RecordingPublisher
) -> None:
    run_id = manual_sync.start(SyncRequest(ORG, "u1", full=True, streams=("products",)))

    assert manual_sync.read(ORG, run_id).state is RunState.QUEUED
    (message,) = queue.take()
    assert message.to_json() == {
        "orgId": ORG,
        "runId": run_id,
        "trigger": "manual",
        "full": True,
        "streams": ["products"],
        "requestedBy": "u1",
    }


def test_of_a_hundred_at_once_one_starts_a_run_and_the_others_are_given_its_id(
    manual_sync: ManualSync,
    queue: RecordingPublisher,
) -> None:
    together = threading.Barrier(50)

    def ask(_: int) -> tuple[str, str]:
        together.wait(timeout=60)
        try:
            return "started", manual_sync.start(REQUEST)
        except RunUnderWay as error:
            return "under way", error.run_id

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(100)))

    started = [run_id for how, run_id in answers if how == "started"]
    assert len(started) == len(queue.messages) == 1
    assert {run_id for _, run_id in answers} == set(started)


def test_a_double_click_names_the_same_run(manual_sync: ManualSync) -> None:
    run_id = manual_sync.start(REQUEST)

    with pytest.raises(RunUnderWay) as refused:
        manual_sync.start(REQUEST)

    assert refused.value.run_id == run_id


def test_a_run_of_the_schedule_is_under_way_too_and_a_webhooks_is_not(
    client: Client,
    database: Database,
    manual_sync: ManualSync,
) -> None:
    client.document(f"tenants/{ORG}").set({"name": "Juniper & Sons"})
    held = hold_org(database, ORG, "cron-1")
    with pytest.raises(RunUnderWay, match="cron-1"):
        manual_sync.start(REQUEST)
    held.end([])

    hold_org(database, ORG, "webhook-1")
    assert manual_sync.start(REQUEST)


def test_a_run_that_nobody_began_is_not_waited_for_for_ever(
    clock: OffsetClock, manual_sync: ManualSync
) -> None:
    first = manual_sync.start(REQUEST)

    clock.later = timedelta(minutes=11)

    assert manual_sync.start(REQUEST) != first


def test_a_dry_run_leaves_a_report_alone_and_is_in_nobodys_way(
    client: Client,
    store: StoredDocuments,
    sync: SyncRunner,
    manual_sync: ManualSync,
    queue: RecordingPublisher,
) -> None:
    # Given a run that is queued
    waiting = manual_sync.start(REQUEST)
    queue.take()

    # When a dry run is asked for beside it
    run_id = manual_sync.start(SyncRequest(ORG, "u1", dry_run=True, streams=("products",)))

    # Then its message is sent, and it has no document that nobody would end
    (message,) = queue.take()
    assert isinstance(message, PosSync)
    assert (message.run_id, message.dry_run) == (run_id, True)
    assert set(store.documents(f"tenants/{ORG}/sync_runs")) == {waiting}
    with pytest.raises(RunUnderWay, match=waiting):
        manual_sync.start(REQUEST)

    # and it leaves a report
    command = command_of(message)
    assert isinstance(command, PreviewSync)
    sync.dry_run()(command)
    report = store.document(f"tenants/{ORG}/sync_reports/{run_id}")
    assert report["streams"]["products"]["created"] == 60
    assert store.documents(f"tenants/{ORG}/products") == {}


def test_an_org_may_be_synced_by_hand_six_times_an_hour(
    client: Client, clock: OffsetClock, manual_sync: ManualSync
) -> None:
    for number in range(RUNS_PER_HOUR):
        clock.later = timedelta(minutes=number)
        end(client, manual_sync.start(REQUEST))

    clock.later = timedelta(minutes=10)
    with pytest.raises(RateLimited) as refused:
        manual_sync.start(REQUEST)

    # Then the next may come an hour after the first
    assert 49 * 60 < refused.value.retry_after <= 50 * 60
    clock.later = timedelta(minutes=60, seconds=5)
    assert manual_sync.start(REQUEST)


def test_the_limit_is_each_orgs_own(client: Client, manual_sync: ManualSync) -> None:
    for _ in range(RUNS_PER_HOUR):
        end(client, manual_sync.start(REQUEST))

    assert manual_sync.start(SyncRequest("org_other", "u1"))


def test_a_run_whose_message_is_not_taken_is_over_and_another_may_be_asked_for(
    database: Database,
    store: StoredDocuments,
    later: RecordingLaterPublisher,
    clock: OffsetClock,
    manual_sync: ManualSync,
) -> None:
    failing = ManualSync(database, FailingPublisher(TimeoutError()), later, clock.now)

    with pytest.raises(TimeoutError):
        failing.start(REQUEST)

    (run,) = store.runs(ORG).values()
    assert (run["state"], run["error"]["code"]) == ("failed", "run_not_sent")
    assert manual_sync.start(REQUEST)


def test_a_caller_who_waits_is_answered_when_the_run_has_ended(
    client: Client, manual_sync: ManualSync
) -> None:
    run_id = manual_sync.start(REQUEST)
    threading.Timer(0.5, end, [client, run_id]).start()

    assert manual_sync.wait(ORG, run_id, 20).state is RunState.SUCCEEDED


def test_a_caller_who_waits_in_vain_is_given_the_state_of_the_run(manual_sync: ManualSync) -> None:
    run_id = manual_sync.start(REQUEST)

    assert manual_sync.wait(ORG, run_id, 0.3).state is RunState.QUEUED


def test_a_run_that_does_not_exist_is_not_found(manual_sync: ManualSync) -> None:
    with pytest.raises(NotFound):
        manual_sync.read(ORG, "nothing")


def open_orgs(client: Client, statuses: Mapping[str, str]) -> None:
    """Orgs of these ids, each with a location of that status."""
    batch = client.batch()
    for org_id, status in statuses.items():
        config = {"provider": "alleaves", "status": status, "locationId": "1000"}
        location = {"orgId": org_id, "posConfig": config}
        batch.set(client.document(f"locations/{org_id}-1"), location)
    batch.commit()


def test_a_machine_starts_a_run_of_every_active_org_or_of_one(
    client: Client, manual_sync: ManualSync, queue: RecordingPublisher
) -> None:
    open_orgs(client, {"org_a": "active", "org_b": "active", "org_c": "paused"})

    every, one = manual_sync.start_all(), manual_sync.start_one("org_b")

    assert every.keys() == {"org_a", "org_b"}
    asked = [message.to_json() for message in queue.take()]
    assert [(each["trigger"], each.get("ifActive", False)) for each in asked] == [
        ("cron", True),
        ("cron", True),
        ("manual", False),
    ]
    assert asked[2]["orgId"] == "org_b"
    assert manual_sync.read("org_b", one).state is RunState.QUEUED


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"status": "paused"}, "location org_a-1 is paused"),
        ({"statsu": "active"}, "unknown field statsu; posConfig.status is missing"),
        ({"status": "active", "provider": "till"}, "posConfig.provider is none of"),
    ],
)
def test_an_org_that_a_machine_names_and_that_cannot_be_synced_is_told_why(
    client: Client, manual_sync: ManualSync, config: dict[str, str], says: str
) -> None:
    client.document("locations/org_a-1").set({"orgId": "org_a", "posConfig": config})

    with pytest.raises(ConfigurationInvalid, match=says):
        manual_sync.start_one("org_a")
    with pytest.raises(NotFound):
        manual_sync.start_one("org_d")


def test_more_orgs_than_there_is_room_for_are_spread(
    client: Client,
    clock: OffsetClock,
    manual_sync: ManualSync,
    queue: RecordingPublisher,
    later: RecordingLaterPublisher,
) -> None:
    # Given
    orgs = [f"org_{number:03}" for number in range(AT_ONCE + 1)]
    open_orgs(client, dict.fromkeys(orgs, "active"))

    # When
    began = clock.now()
    started = manual_sync.start_all()

    # Then each is asked for once, at its own moment within the time
    assert queue.messages == []
    moments = [at for at, _ in later.scheduled]
    assert began <= min(moments)
    assert max(moments) < began + timedelta(seconds=SPREAD_SECONDS + 60)
    assert len(set(moments)) > 40
    asked = [message.to_json() for message in later.take()]
    assert {each["orgId"]: each["runId"] for each in asked} == started
    assert len(asked) == len(orgs)
    # and its run is seen already
    assert manual_sync.read(orgs[0], started[orgs[0]]).state is RunState.QUEUED


def test_a_machine_that_waits_is_answered_when_the_last_run_has_ended(
    client: Client, manual_sync: ManualSync
) -> None:
    # Given
    open_orgs(client, {"org_a": "active", "org_b": "active"})
    started = manual_sync.start_all()
    assert manual_sync.wait_all(started, 0.3) is None

    # When
    for org_id, run_id in started.items():
        run = client.document(f"tenants/{org_id}/sync_runs/{run_id}")
        run.update({"state": "partial" if org_id == "org_b" else "succeeded"})

    # Then
    ended = manual_sync.wait_all(started, 20)
    assert ended is not None
    states = {org_id: run.state for org_id, run in ended.items()}
    assert states == {"org_a": RunState.SUCCEEDED, "org_b": RunState.PARTIAL}


def test_a_queued_run_that_finds_the_org_taken_says_so(
    database: Database, sync: SyncRunner, manual_sync: ManualSync, queue: RecordingPublisher
) -> None:
    # Given a run that was queued just before another one took the org
    run_id = manual_sync.start(REQUEST)
    hold_org(database, ORG, "cron-1")

    # When its message arrives
    (queued,) = queue.take()
    assert isinstance(queued, PosSync)
    sync.service()(SyncOrg.of(queued))

    # Then the caller who waits for it is answered
    ended = manual_sync.wait(ORG, run_id, 5)
    assert ended.state is RunState.FAILED
    assert ended.error is not None
    assert "cron-1" in ended.error.message
