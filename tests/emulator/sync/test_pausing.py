"""An org whose POS refuses its credentials: left alone, tried once a day, back by itself."""

from datetime import timedelta

import pytest

from tests.emulator.sync.world import World

ORG = "org_test"
HALF_HOUR = timedelta(minutes=30)


def set_password(world: World, password: str) -> str:
    """Change the password that Sync Sam uses; the one before."""
    location = next(iter(world.documents("locations")))
    before = world.document(f"locations/{location}")["posConfig"]["password"]
    world.client.document(f"locations/{location}").update({"posConfig.password": password})
    return str(before)


@pytest.fixture
def right(world: World) -> str:
    """The right password of an org that was synced, and then refused three times."""
    world.sync(ORG)
    right = set_password(world, "wrong")
    for _ in range(3):
        world.later += HALF_HOUR
        world.sync(ORG)
    return right


def test_three_refusals_in_a_row_pause_an_org_and_people_are_told_once(
    world: World, right: str
) -> None:
    # Given three refused runs, then the status says so and what to do
    status = world.status(ORG)
    assert status["status"] == "paused"
    assert status["lastErrorOwner"] == "org"
    assert "PIN in the POS settings" in status["lastError"]
    assert status["customersCount"] == 230
    assert world.told.titles == ["The sync is paused"]
    assert "password" in world.told.bodies[0]

    # When the schedule and a webhook ask for more runs
    calls = world.pos_calls()
    for trigger in ("cron", "webhook", "cron"):
        world.later += HALF_HOUR
        assert world.sync(ORG, trigger=trigger) == {}

    # Then the POS is not called, and nobody is told again
    assert world.pos_calls() == calls
    assert len(world.told.titles) == 1


def test_a_paused_org_costs_two_reads_a_tick(
    world: World, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a paused org
    meter = world.database.meter
    monkeypatch.setattr(type(world.database), "metered", lambda self: self)
    before = (meter.reads, meter.writes)

    # When the schedule comes due
    world.sync(ORG)

    # Then that is two reads: the run and the status
    assert (meter.reads - before[0], meter.writes - before[1]) == (2, 0)


def test_a_paused_org_is_tried_once_a_day(world: World, right: str) -> None:
    # Given a paused org, when two days of ticks pass
    ends = []
    for _ in range(2 * 48):
        world.later += HALF_HOUR
        if run := world.sync(ORG):
            ends.append(run["endedAt"])

    # Then it was tried once each day
    assert len(ends) == 2
    assert ends[1] - ends[0] >= timedelta(days=1)
    assert world.status(ORG)["status"] == "paused"
    assert len(world.told.titles) == 1


def test_it_resumes_by_itself_once_the_credentials_work_and_a_new_pause_is_told_anew(
    world: World, right: str
) -> None:
    # Given the password was corrected
    set_password(world, right)

    # When the daily probe comes
    world.later += timedelta(days=1)
    run = world.sync(ORG)

    # Then the sync goes on as before
    assert run["state"] == "succeeded"
    status = world.status(ORG)
    assert status["status"] == "active"
    assert "lastError" not in status
    assert "nextTryAt" not in status
    assert world.document(f"tenants/{ORG}/incidents/sync_paused")["state"] == "resolved"
    world.later += HALF_HOUR
    assert world.sync(ORG)["state"] == "succeeded"

    # When the password is wrong again
    set_password(world, "wrong")
    for _ in range(3):
        world.later += HALF_HOUR
        world.sync(ORG)

    # Then people hear of it again
    assert world.told.titles == ["The sync is paused"] * 2


def test_a_person_who_asks_gets_a_run_at_once(world: World, right: str) -> None:
    # When a person asks while the password is still wrong
    run = world.sync(ORG, trigger="manual")

    # Then the run is made, and the org stays paused
    assert run["state"] == "failed"
    assert world.status(ORG)["status"] == "paused"

    # When the password is right and a person asks
    set_password(world, right)
    world.sync(ORG, trigger="manual")

    # Then the schedule is followed again
    assert world.status(ORG)["status"] == "active"
    assert world.sync(ORG)["state"] == "succeeded"


def test_a_pos_that_is_down_between_two_refusals_neither_counts_nor_forgives(world: World) -> None:
    # Given two refused runs with an outage between them
    right = set_password(world, "wrong")
    world.sync(ORG)
    world.fault("server_error")
    world.sync(ORG)
    world.no_faults()
    world.sync(ORG)

    # Then the org is not paused yet
    assert world.status(ORG)["status"] == "error"

    # When a run is let in, the row is over
    set_password(world, right)
    world.sync(ORG)
    set_password(world, "wrong")
    world.sync(ORG)
    world.sync(ORG)
    assert world.status(ORG)["status"] == "error"
    world.sync(ORG)
    assert world.status(ORG)["status"] == "paused"


def test_a_run_that_a_paused_org_declines_says_so_where_somebody_waits(
    world: World, right: str
) -> None:
    # Given a run that is written down as queued
    path = f"tenants/{ORG}/sync_runs/waiting"
    queued = {"state": "queued", "trigger": "cron", "startedAt": world.now()}
    world.client.document(path).set(queued)

    # When its message comes
    run = world.sync(ORG, run_id="waiting")

    # Then the run ends with the reason
    assert run["state"] == "failed"
    assert run["error"]["code"] == "sync_paused"


def test_a_held_removal_is_told_once_until_it_is_over(world: World) -> None:
    # Given a POS that suddenly lists half of the products
    world.sync(ORG)
    rows = world.pos_data(ORG)["inventory"]
    world.replace(ORG, "inventory", rows[: len(rows) // 2])

    # When the org is synced three times
    costs = []
    for _ in range(3):
        run = world.sync(ORG)
        assert run["state"] == "held"
        costs.append(run["cost"])

    # Then people hear of it once, and later runs read once for it and write nothing
    assert world.told.titles == ["A removal of products waits for a decision"]
    assert "allowDeletions" in world.told.bodies[0]
    assert costs[2]["writes"] <= 6

    # When a sync of the customers alone passes
    world.sync(ORG, streams=("customers",))

    # Then it says nothing about the products
    held = f"tenants/{ORG}/incidents/removal_held"
    assert world.document(held)["state"] == "open"

    # When a person allows the removal
    world.sync(ORG, allow_deletions=True)

    # Then it is over, and quiet runs cost nothing for it
    assert world.document(held)["state"] == "resolved"
    assert len(world.told.titles) == 1
