"""An org whose POS refuses its credentials: left alone, tried once a day, back by itself."""

from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from shared.bus.messages import CronTick, PosSync
from shared.services.fan_out import FanOut, SyncFanOut, sync_message
from shared.services.manual_sync import ManualSync
from shared.services.sync.commands import SyncOrg
from shared.store.database import Database
from tests.emulator.environment import SMALL, OrgConfig, SyncRunner
from tests.fakes import (
    OffsetClock,
    RecordingLaterPublisher,
    RecordingNotifier,
    RecordingPublisher,
)
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def password(org_config: OrgConfig, clock: OffsetClock, sync: SyncRunner) -> str:
    """The right password of an org that was synced, and then refused three times."""
    sync.run(ORG)
    password = str(org_config.location()["posConfig"]["password"])
    org_config.update_locations(password="wrong")
    for _ in range(3):
        clock.later += HALF_HOUR
        sync.run(ORG)
    return password


def test_three_refusals_in_a_row_pause_an_org_and_people_are_notified_once(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    sync: SyncRunner,
    password: str,
) -> None:
    # Given three refused runs, then the status says so and what to do
    status = store.status(ORG)
    assert status["status"] == "paused"
    assert status["lastErrorOwner"] == "org"
    assert "PIN in the POS settings" in status["lastError"]
    assert status["customersCount"] == SMALL.customers
    assert notifier.titles == ["The sync is paused"]
    assert "password" in notifier.bodies[0]

    # When the schedule and a webhook ask for more runs
    calls = pos.total_calls()
    for trigger in ("cron", "webhook", "cron"):
        clock.later += HALF_HOUR
        assert sync.run(ORG, trigger=trigger) == {}

    # Then the POS is not called, and nobody is notified again
    assert pos.total_calls() == calls
    assert len(notifier.titles) == 1


def test_a_paused_org_costs_two_reads_a_tick(
    database: Database, sync: SyncRunner, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a paused org
    meter = database.meter
    monkeypatch.setattr(type(database), "metered", lambda self: self)
    before = (meter.reads, meter.writes)

    # When the schedule comes due
    sync.run(ORG)

    # Then that is two reads: the run and the status
    assert (meter.reads - before[0], meter.writes - before[1]) == (2, 0)


def test_a_paused_org_is_tried_once_a_day(
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    sync: SyncRunner,
    password: str,
) -> None:
    # Given a paused org, when two days of ticks pass
    ends = []
    for _ in range(2 * 48):
        clock.later += HALF_HOUR
        if run := sync.run(ORG):
            ends.append(run["endedAt"])

    # Then it was tried once each day
    assert len(ends) == 2
    assert ends[1] - ends[0] >= timedelta(days=1)
    assert store.status(ORG)["status"] == "paused"
    assert len(notifier.titles) == 1


def test_it_resumes_by_itself_once_the_credentials_work_and_a_new_pause_is_notified_again(
    store: StoredDocuments,
    org_config: OrgConfig,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    sync: SyncRunner,
    password: str,
) -> None:
    # Given the password was corrected
    org_config.update_locations(password=password)

    # When the daily probe comes
    clock.later += timedelta(days=1)
    run = sync.run(ORG)

    # Then the sync goes on as before
    assert run["state"] == "succeeded"
    status = store.status(ORG)
    assert status["status"] == "active"
    assert "lastError" not in status
    assert "nextTryAt" not in status
    assert store.document(f"tenants/{ORG}/incidents/sync_paused")["state"] == "resolved"
    clock.later += HALF_HOUR
    assert sync.run(ORG)["state"] == "succeeded"

    # When the password is wrong again
    org_config.update_locations(password="wrong")
    for _ in range(3):
        clock.later += HALF_HOUR
        sync.run(ORG)

    # Then people hear of it again
    assert notifier.titles == ["The sync is paused"] * 2


def test_a_person_who_asks_gets_a_run_at_once(
    store: StoredDocuments, org_config: OrgConfig, sync: SyncRunner, password: str
) -> None:
    # When a person asks while the password is still wrong
    run = sync.run(ORG, trigger="manual")

    # Then the run is made, and the org stays paused
    assert run["state"] == "failed"
    assert store.status(ORG)["status"] == "paused"

    # When the password is password and a person asks
    org_config.update_locations(password=password)
    sync.run(ORG, trigger="manual")

    # Then the schedule is followed again
    assert store.status(ORG)["status"] == "active"
    assert sync.run(ORG)["state"] == "succeeded"


@pytest.mark.parametrize("door", ["tick", "cron"])
def test_a_program_that_names_a_paused_org_has_it_tried_at_once(
    database: Database,
    store: StoredDocuments,
    org_config: OrgConfig,
    clock: OffsetClock,
    sync: SyncRunner,
    password: str,
    door: str,
) -> None:
    # Given a paused org whose password was corrected
    org_config.update_locations(password=password)
    queue, later = RecordingPublisher(), RecordingLaterPublisher()

    # When a tick or a call of the cron route is for it alone
    if door == "tick":
        fan_out = FanOut(database, queue, later, clock.now, sync_message)
        SyncFanOut(database, fan_out, clock.now)(CronTick(job="pos-sync", org_id=ORG), "tick-1")
    else:
        ManualSync(database, queue, later, clock.now).start_one(ORG)
    (asked,) = queue.take()
    assert isinstance(asked, PosSync)
    sync.service()(SyncOrg.of(asked))

    # Then it is synced, and the schedule is followed again
    assert store.run(ORG, asked.run_id)["state"] == "succeeded"
    assert store.status(ORG)["status"] == "active"
    assert sync.run(ORG)["state"] == "succeeded"


def test_a_pos_that_is_down_between_two_refusals_neither_counts_nor_forgives(
    store: StoredDocuments, org_config: OrgConfig, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given two refused runs with an outage between them
    password = str(org_config.location()["posConfig"]["password"])
    org_config.update_locations(password="wrong")
    sync.run(ORG)
    pos.fault("server_error")
    sync.run(ORG)
    pos.clear_faults()
    sync.run(ORG)

    # Then the org is not paused yet
    assert store.status(ORG)["status"] == "error"

    # When a run is let in, the row is over
    org_config.update_locations(password=password)
    sync.run(ORG)
    org_config.update_locations(password="wrong")
    sync.run(ORG)
    sync.run(ORG)
    assert store.status(ORG)["status"] == "error"
    sync.run(ORG)
    assert store.status(ORG)["status"] == "paused"


def test_a_run_that_a_paused_org_declines_ends_with_the_reason_where_a_caller_waits(
    client: Client, clock: OffsetClock, sync: SyncRunner, password: str
) -> None:
    # Given a run that is written down as queued
    path = f"tenants/{ORG}/sync_runs/waiting"
    queued = {"state": "queued", "trigger": "cron", "startedAt": clock.now()}
    client.document(path).set(queued)

    # When its message comes
    run = sync.run(ORG, run_id="waiting")

    # Then the run ends with the reason
    assert run["state"] == "failed"
    assert run["error"]["code"] == "sync_paused"


def test_a_held_removal_is_notified_once_until_it_is_over(
    store: StoredDocuments, pos: SimulatedPos, notifier: RecordingNotifier, sync: SyncRunner
) -> None:
    # Given a POS that suddenly lists half of the products
    sync.run(ORG)
    rows = pos.data(ORG)["inventory"]
    pos.replace(ORG, "inventory", rows[: len(rows) // 2])

    # When the org is synced three times
    costs = []
    for _ in range(3):
        run = sync.run(ORG)
        assert run["state"] == "held"
        costs.append(run["cost"])

    # Then people hear of it once, and later runs read once for it and write nothing
    assert notifier.titles == ["A removal of products waits for a decision"]
    assert "sync-sam removals ORG approve" in notifier.bodies[0]
    assert "allowDeletions" in notifier.bodies[0]
    assert costs[2]["writes"] <= 6

    # When a sync of the customers alone passes
    sync.run(ORG, streams=("customers",))

    # Then it says nothing about the products
    held = f"tenants/{ORG}/incidents/removal_held"
    assert store.document(held)["state"] == "open"

    # When a person allows the removal
    sync.run(ORG, allow_deletions=True)

    # Then it is over, and quiet runs cost nothing for it
    assert store.document(held)["state"] == "resolved"
    assert len(notifier.titles) == 1
