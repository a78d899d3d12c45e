"""What did not happen is noticed, notified once, and costs little to look for."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from google.cloud.firestore import Client
from structlog.testing import capture_logs

from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import CronTick
from shared.services.fan_out import FanOut, SyncFanOut, sync_message
from shared.services.sync.commands import SyncOrg
from shared.store.database import Database
from tests.emulator.environment import TINY, Environment, OrgConfig, SyncRunner
from tests.fakes import OffsetClock, RecordingNotifier, RecordingPublisher
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
HOUR = timedelta(hours=1)
OVERDUE = "No successful sync for 2 hours"


Tick = Callable[[], Sequence[object]]
Watch = Callable[[], None]


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (TINY,)


@pytest.fixture
def watch(environment: Environment) -> Watch:
    """Runs the watchdog, once all spending is computed that was asked for."""

    def look() -> None:
        environment.spending.compute_requested()
        environment.watchdog(CronTick(job="watchdog"))

    return look


@pytest.fixture
def tick(environment: Environment) -> Tick:
    """Has the sync's schedule come due; gives the messages that were sent."""
    clock = environment.clock

    def fan_out() -> Sequence[object]:
        sent = RecordingPublisher()
        database, later = environment.database, environment.sales.scheduled
        fan_out = FanOut(database, sent, later, clock.now, sync_message)
        SyncFanOut(database, fan_out, clock.now)(CronTick(job="pos-sync"), f"tick-{clock.later}")
        return sent.messages

    return fan_out


def incident(store: StoredDocuments, key: str, org_id: str | None = ORG) -> str:
    """State of an incident."""
    path = f"tenants/{org_id}/incidents/{key}" if org_id else f"incidents/{key}"
    return str(store.document(path).get("state"))


def stored_run(client: Client, clock: OffsetClock, run_id: str, state: str, hours: float) -> None:
    """A run that began so long ago."""
    started = clock.now() - hours * HOUR
    run = {"state": state, "trigger": "cron", "startedAt": started, "runId": run_id, "orgId": ORG}
    client.document(f"tenants/{ORG}/sync_runs/{run_id}").set(run)


def test_an_org_without_a_success_for_two_hours_is_notified_until_it_succeeds(
    store: StoredDocuments,
    pos: SimulatedPos,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    sync: SyncRunner,
    tick: Tick,
    watch: Watch,
) -> None:
    # Given an org that was synced, and ticks that go on while its POS is down
    tick()
    sync.run(ORG)
    pos.fault("server_error")
    clock.later = 1.5 * HOUR
    tick()
    sync.run(ORG)
    watch()
    assert notifier.titles == []

    # When two hours have passed, and the watchdog looks twice
    clock.later = 2.5 * HOUR
    watch()
    watch()

    # Then people are notified once, the org's id and its last success among the words
    assert notifier.titles == [OVERDUE]
    assert "UTC" in notifier.bodies[0]
    assert ORG in notifier.bodies[0]

    # When the POS is back and the org is synced
    pos.clear_faults()
    clock.later = 3 * HOUR
    sync.run(ORG)
    watch()

    # Then the incident is over, and the next is notified again
    assert incident(store, "no_recent_success") == "resolved"
    clock.later = 5.5 * HOUR
    tick()
    watch()
    assert notifier.titles == [OVERDUE] * 2


def test_each_check_says_what_share_of_the_orgs_is_behind(
    client: Client,
    org_config: OrgConfig,
    clock: OffsetClock,
    sync: SyncRunner,
    tick: Tick,
    watch: Watch,
) -> None:
    # Given two orgs that were synced, and one of them no more
    other = "org_other"
    client.document(f"locations/{other}").set({**org_config.location(), "orgId": other})
    tick()
    sync.run(ORG)
    sync.run(other)
    clock.later = 0.5 * HOUR
    sync.run(other)

    # When the watchdog looks 40 and 50 minutes after the first
    found = []
    for hours in (40 / 60, 50 / 60):
        clock.later = hours * HOUR
        with capture_logs() as lines:
            watch()
        (line,) = (each for each in lines if each["event"] == "watched")
        found.append((line["orgs"], line["behind_percent"]))

    # Then
    assert found == [(2, 0.0), (2, 50.0)]


def test_an_org_that_nobody_syncs_is_notified_though_nothing_ran(
    clock: OffsetClock, notifier: RecordingNotifier, tick: Tick, watch: Watch
) -> None:
    # Given an org that was asked for two hours ago, and whose message went nowhere
    assert len(tick()) == 1
    clock.later = 2.5 * HOUR
    tick()

    # When the watchdog looks
    watch()

    # Then people are notified
    assert notifier.titles == [OVERDUE]
    assert "none yet" in notifier.bodies[0]


def test_a_schedule_that_never_ticked_is_notified_and_so_is_the_org_that_waits(
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    tick: Tick,
    watch: Watch,
) -> None:
    # Given an active location, and no tick at all
    watch()
    assert notifier.titles == []

    # When two hours have passed
    clock.later = 2.5 * HOUR
    watch()
    watch()

    # Then the operator hears of the schedule, and people of the org
    assert notifier.titles == ["The schedule is silent", OVERDUE]

    # When the schedule ticks again
    tick()
    watch()

    # Then that incident is over, the org's is not
    assert incident(store, "schedule_silent", None) == "resolved"
    assert incident(store, "no_recent_success") == "open"


def test_without_orgs_a_silent_schedule_is_nobodys_business(
    org_config: OrgConfig,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    watch: Watch,
) -> None:
    # Given no active location
    org_config.update_locations(status="inactive")
    clock.later = 5 * HOUR

    # When the watchdog looks, then it says nothing
    watch()
    assert notifier.titles == []


def test_an_org_that_left_or_is_paused_is_not_notified(
    client: Client,
    org_config: OrgConfig,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    sync: SyncRunner,
    tick: Tick,
    watch: Watch,
) -> None:
    # Given an org that was synced long ago
    sync.run(ORG)
    clock.later = 3 * HOUR
    tick()
    status = client.document(f"tenants/{ORG}/integrations/pos")

    # When it is paused, then its pause was notified already
    status.update({"status": "paused"})
    watch()
    assert notifier.titles == []

    # When its location is no longer active, then nobody waits for it
    status.update({"status": "active"})
    org_config.update_locations(status="inactive")
    watch()
    assert notifier.titles == []


def test_many_overdue_orgs_are_one_alert(
    client: Client,
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    tick: Tick,
    watch: Watch,
) -> None:
    # Given thirty orgs without a recent success
    for number in range(30):
        org = f"org_{number:02}"
        config = {"orgId": org, "posConfig": {"status": "active"}}
        client.document(f"locations/{org}").set(config)
        success = {"lastSuccessAt": clock.now() - 3 * HOUR, "status": "error"}
        client.document(f"tenants/{org}/integrations/pos").set(success)
    tick()

    # When the watchdog looks twice
    watch()
    watch()

    # Then the operator hears of it once, and no org does
    assert notifier.titles == ["Many orgs have no successful sync for 2 hours"]
    assert "30 orgs" in notifier.bodies[0]

    # When most have recovered
    for number in range(28):
        fresh = {"lastSuccessAt": clock.now()}
        client.document(f"tenants/org_{number:02}/integrations/pos").update(fresh)
    watch()

    # Then that incident is over, and the two that are left are notified
    assert incident(store, "many_orgs_overdue", None) == "resolved"
    assert notifier.titles[1:] == [OVERDUE] * 2


@pytest.mark.parametrize(("state", "hours"), [("running", 1), ("queued", 3)])
def test_a_run_that_hangs_is_ended_and_notified(
    client: Client,
    store: StoredDocuments,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    sync: SyncRunner,
    tick: Tick,
    watch: Watch,
    state: str,
    hours: float,
) -> None:
    # Given a run that nobody works on
    sync.run(ORG)
    tick()
    stored_run(client, clock, "hung", state, hours)

    # When the watchdog looks
    watch()

    # Then the run has ended, people know, and the status is the later run's
    run = store.document(f"tenants/{ORG}/sync_runs/hung")
    assert run["state"] == "failed"
    assert run["error"]["code"] == "run_abandoned"
    assert run["endedAt"] is not None
    assert notifier.titles == ["A sync hung and was ended"]
    assert store.status(ORG)["status"] == "active"

    # When the org is synced again
    clock.later = HOUR
    sync.run(ORG)
    watch()

    # Then it is over
    assert incident(store, "run_stuck") == "resolved"


def test_a_run_whose_worker_died_holding_the_lease_is_ended_once_the_lease_is_long_over(
    store: StoredDocuments,
    clock: OffsetClock,
    sync: SyncRunner,
    tick: Tick,
    watch: Watch,
) -> None:
    # Given a worker that died in the middle of a run
    class Died(BaseException):
        pass

    def die(_: object) -> None:
        raise Died

    service = sync.service(lease_seconds=0.5)
    object.__setattr__(service, "open_pos", die)
    stop = "shared.store.lease.HeldLease.stop"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stop, lambda self, hand_over, last=(): self._ended.set())
        with pytest.raises(Died):
            service(SyncOrg(ORG, "dead", "cron"))
    tick()
    path = f"tenants/{ORG}/sync_runs/dead"

    # When the watchdog looks while the message may still come again
    clock.later = 0.4 * HOUR
    watch()
    assert store.document(path)["state"] == "running"

    # When it looks later
    clock.later = 0.6 * HOUR
    watch()

    # Then the run has ended, and the status says so
    assert store.document(path)["state"] == "failed"
    status = store.status(ORG)
    assert (status["status"], status["lastErrorOwner"]) == ("error", "us")

    # and the org is synced as ever
    time.sleep(0.5)
    assert sync.run(ORG)["state"] == "succeeded"


def test_a_look_at_a_fleet_that_is_well_reads_six_documents(
    client: Client,
    environment: Environment,
    clock: OffsetClock,
    notifier: RecordingNotifier,
    tick: Tick,
) -> None:
    # Given a fleet of orgs that succeed
    client.document("locations/other").set(
        {"orgId": "org_other", "posConfig": {"status": "active"}}
    )
    tick()
    for org in (ORG, "org_other"):
        success = {"lastSuccessAt": clock.now() + 25 * HOUR}
        client.document(f"tenants/{org}/integrations/pos").set(success)
    clock.later = 25 * HOUR
    tick()

    # When the watchdog looks
    fresh = Database(client)
    environment.watchdog_on(fresh)(CronTick(job="watchdog"))

    # Then that is five documents, however many orgs there are
    assert (fresh.meter.reads, fresh.meter.writes) == (6, 0)
    assert notifier.titles == []


def test_the_roster_forgets_who_left_and_knows_who_came_back(
    store: StoredDocuments, org_config: OrgConfig, clock: OffsetClock, tick: Tick
) -> None:
    # Given an org known for longer than a day
    tick()
    clock.later = 25 * HOUR
    tick()
    assert store.document("fleet/roster")["recent"] == {}

    # When it leaves and comes back
    org_config.update_locations(status="inactive")
    tick()
    org_config.update_locations(status="active")
    tick()

    # Then it is new again
    assert list(store.document("fleet/roster")["recent"]) == [ORG]
