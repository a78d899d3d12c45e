"""What did not happen is noticed, told once, and costs little to look for."""

import time
from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.bus.messages import CronTick
from shared.services.fan_out import SyncFanOut
from shared.services.sync.commands import SyncOrg
from shared.services.watchdog import Watchdog
from shared.store.database import Database
from tests.emulator.sync.world import Outbox, World

ORG = "org_test"
HOUR = timedelta(hours=1)
OVERDUE = "No successful sync for 2 hours"


def look(world: World, org_id: str | None = None) -> None:
    """The watchdog's tick."""
    Watchdog(world.database, world.alerts, world.now)(CronTick(job="watchdog", org_id=org_id))


def tick(world: World) -> Sequence[object]:
    """The sync's tick; the messages it sent."""
    sent = Outbox()
    SyncFanOut(world.database, sent, world.now)(CronTick(job="pos-sync"), f"tick-{world.later}")
    return sent.messages


def incident(world: World, key: str, org_id: str | None = ORG) -> str:
    """State of an incident."""
    path = f"tenants/{org_id}/incidents/{key}" if org_id else f"incidents/{key}"
    return str(world.document(path).get("state"))


def stored_run(world: World, run_id: str, state: str, hours: float) -> None:
    """A run that began so long ago."""
    started = world.now() - hours * HOUR
    run = {"state": state, "trigger": "cron", "startedAt": started, "runId": run_id, "orgId": ORG}
    world.client.document(f"tenants/{ORG}/sync_runs/{run_id}").set(run)


def test_an_org_without_a_success_for_two_hours_is_told_of_until_it_succeeds(world: World) -> None:
    # Given an org that was synced, and ticks that go on while its POS is down
    tick(world)
    world.sync(ORG)
    world.fault("server_error")
    world.later = 1.5 * HOUR
    tick(world)
    world.sync(ORG)
    look(world)
    assert world.told.titles == []

    # When two hours have passed, and the watchdog looks twice
    world.later = 2.5 * HOUR
    look(world)
    look(world)

    # Then people are told once, the org's id and its last success among the words
    assert world.told.titles == [OVERDUE]
    assert "UTC" in world.told.bodies[0]
    assert ORG in world.told.bodies[0]

    # When the POS is back and the org is synced
    world.no_faults()
    world.later = 3 * HOUR
    world.sync(ORG)
    look(world)

    # Then the incident is over, and the next is told anew
    assert incident(world, "no_recent_success") == "resolved"
    world.later = 5.5 * HOUR
    tick(world)
    look(world)
    assert world.told.titles == [OVERDUE] * 2


def test_an_org_that_nobody_syncs_is_told_of_though_nothing_ran(world: World) -> None:
    # Given an org that was asked for two hours ago, and whose message went nowhere
    assert len(tick(world)) == 1
    world.later = 2.5 * HOUR
    tick(world)

    # When the watchdog looks
    look(world)

    # Then people are told
    assert world.told.titles == [OVERDUE]
    assert "none yet" in world.told.bodies[0]


def test_a_schedule_that_never_ticked_is_told_of_and_so_is_the_org_that_waits(world: World) -> None:
    # Given an active location, and no tick at all
    look(world)
    assert world.told.titles == []

    # When two hours have passed
    world.later = 2.5 * HOUR
    look(world)
    look(world)

    # Then the operator hears of the schedule, and people of the org
    assert world.told.titles == ["The schedule is silent", OVERDUE]

    # When the schedule ticks again
    tick(world)
    look(world)

    # Then that incident is over, the org's is not
    assert incident(world, "schedule_silent", None) == "resolved"
    assert incident(world, "no_recent_success") == "open"


def test_without_orgs_a_silent_schedule_is_nobodys_business(world: World) -> None:
    # Given no active location
    for location in world.documents("locations"):
        world.client.document(f"locations/{location}").update({"posConfig.status": "inactive"})
    world.later = 5 * HOUR

    # When the watchdog looks, then it says nothing
    look(world)
    assert world.told.titles == []


def test_an_org_that_left_or_is_paused_is_not_told_of(world: World) -> None:
    # Given an org that was synced long ago
    world.sync(ORG)
    world.later = 3 * HOUR
    tick(world)
    status = world.client.document(f"tenants/{ORG}/integrations/pos")

    # When it is paused, then its pause was told already
    status.update({"status": "paused"})
    look(world)
    assert world.told.titles == []

    # When its location is no longer active, then nobody waits for it
    status.update({"status": "active"})
    for location in world.documents("locations"):
        world.client.document(f"locations/{location}").update({"posConfig.status": "inactive"})
    look(world)
    assert world.told.titles == []


def test_many_overdue_orgs_are_one_alert(world: World) -> None:
    # Given thirty orgs without a recent success
    for number in range(30):
        org = f"org_{number:02}"
        config = {"orgId": org, "posConfig": {"status": "active"}}
        world.client.document(f"locations/{org}").set(config)
        success = {"lastSuccessAt": world.now() - 3 * HOUR, "status": "error"}
        world.client.document(f"tenants/{org}/integrations/pos").set(success)
    tick(world)

    # When the watchdog looks twice
    look(world)
    look(world)

    # Then the operator hears of it once, and no org does
    assert world.told.titles == ["Many orgs have no successful sync for 2 hours"]
    assert "30 orgs" in world.told.bodies[0]

    # When most have recovered
    for number in range(28):
        fresh = {"lastSuccessAt": world.now()}
        world.client.document(f"tenants/org_{number:02}/integrations/pos").update(fresh)
    look(world)

    # Then that incident is over, and the two that are left are told of
    assert incident(world, "many_orgs_overdue", None) == "resolved"
    assert world.told.titles[1:] == [OVERDUE] * 2


@pytest.mark.parametrize(("state", "hours"), [("running", 1), ("queued", 3)])
def test_a_run_that_hangs_is_ended_and_told_of(world: World, state: str, hours: float) -> None:
    # Given a run that nobody works on
    world.sync(ORG)
    tick(world)
    stored_run(world, "hung", state, hours)

    # When the watchdog looks
    look(world)

    # Then the run has ended, people know, and the status is the later run's
    run = world.document(f"tenants/{ORG}/sync_runs/hung")
    assert run["state"] == "failed"
    assert run["error"]["code"] == "run_abandoned"
    assert run["endedAt"] is not None
    assert world.told.titles == ["A sync hung and was ended"]
    assert world.status(ORG)["status"] == "active"

    # When the org is synced again
    world.later = HOUR
    world.sync(ORG)
    look(world)

    # Then it is over
    assert incident(world, "run_stuck") == "resolved"


def test_a_run_whose_worker_died_holding_the_lease_is_ended_once_the_lease_is_long_over(
    world: World,
) -> None:
    # Given a worker that died in the middle of a run
    class Died(BaseException):
        pass

    def die(_: object) -> None:
        raise Died

    service = world.service(lease_seconds=0.5)
    object.__setattr__(service, "open_pos", die)
    stop = "shared.store.lease.HeldLease.stop"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stop, lambda self, hand_over: self._ended.set())
        with pytest.raises(Died):
            service(SyncOrg(ORG, "dead", "cron"))
    tick(world)
    path = f"tenants/{ORG}/sync_runs/dead"

    # When the watchdog looks while the message may still come again
    world.later = 0.4 * HOUR
    look(world)
    assert world.document(path)["state"] == "running"

    # When it looks later
    world.later = 0.6 * HOUR
    look(world)

    # Then the run has ended, and the status says so
    assert world.document(path)["state"] == "failed"
    status = world.status(ORG)
    assert (status["status"], status["lastErrorOwner"]) == ("error", "us")

    # and the org is synced as ever
    time.sleep(0.5)
    assert world.sync(ORG)["state"] == "succeeded"


def test_a_look_at_a_fleet_that_is_well_reads_four_documents(world: World) -> None:
    # Given a fleet of orgs that succeed
    world.client.document("locations/other").set(
        {"orgId": "org_other", "posConfig": {"status": "active"}}
    )
    tick(world)
    for org in (ORG, "org_other"):
        success = {"lastSuccessAt": world.now() + 25 * HOUR}
        world.client.document(f"tenants/{org}/integrations/pos").set(success)
    world.later = 25 * HOUR
    tick(world)

    # When the watchdog looks
    database = Database(world.client)
    Watchdog(database, world.alerts, world.now)(CronTick(job="watchdog"))

    # Then that is four documents, however many orgs there are
    assert (database.meter.reads, database.meter.writes) == (4, 0)
    assert world.told.titles == []


def test_the_roster_forgets_who_left_and_knows_who_came_back(world: World) -> None:
    # Given an org known for longer than a day
    tick(world)
    world.later = 25 * HOUR
    tick(world)
    assert world.document("fleet/roster")["recent"] == {}

    # When it leaves and comes back
    location = next(iter(world.documents("locations")))
    world.client.document(f"locations/{location}").update({"posConfig.status": "inactive"})
    tick(world)
    world.client.document(f"locations/{location}").update({"posConfig.status": "active"})
    tick(world)

    # Then it is new again
    assert list(world.document("fleet/roster")["recent"]) == [ORG]
