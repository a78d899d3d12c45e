"""Runs on demand: one at a time, watched, and not too often."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.bus.messages import PosSync
from shared.clock import utc_now
from shared.domain.runs import RunState
from shared.errors import NotFound, RateLimited
from shared.services.manual_sync import RUNS_PER_HOUR, ManualSync, RunUnderWay, SyncRequest
from shared.services.runs.lifecycle import ActiveRun
from shared.services.sync.commands import SyncOrg
from shared.store.database import Database
from shared.store.runs import Run
from tests.emulator.sync.world import Outbox, World, take_lease

ORG = "org_test"
WISH = SyncRequest(ORG, requested_by="u1")


class Desk:
    """Where people ask for runs. The clock is ``later`` than the real one by what is asked for."""

    def __init__(self, database: Database, pos_sync: Outbox | None = None) -> None:
        self.database = database
        self.pos_sync = pos_sync or Outbox()
        self.later = timedelta(0)
        self.sync = ManualSync(database, self.pos_sync, lambda: utc_now() + self.later)

    def end(self, run_id: str) -> None:
        """As if ``org_sync`` had done the run."""
        self.database._client.document(f"tenants/{ORG}/sync_runs/{run_id}").update(
            {"state": "succeeded"}
        )


@pytest.fixture
def desk(client: Client) -> Desk:
    return Desk(Database(client))


def test_a_run_has_its_document_before_its_message(desk: Desk) -> None:
    run_id = desk.sync.start(SyncRequest(ORG, "u1", full=True, streams=("products",)))

    assert desk.sync.read(ORG, run_id).state is RunState.QUEUED
    (message,) = desk.pos_sync.take()
    assert message.to_json() == {
        "orgId": ORG,
        "runId": run_id,
        "trigger": "manual",
        "full": True,
        "streams": ["products"],
        "requestedBy": "u1",
    }


def test_of_a_hundred_at_once_one_starts_a_run_and_the_others_are_told_which(desk: Desk) -> None:
    together = threading.Barrier(50)

    def ask(_: int) -> tuple[str, str]:
        together.wait(timeout=60)
        try:
            return "started", desk.sync.start(WISH)
        except RunUnderWay as error:
            return "under way", error.run_id

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(100)))

    started = [run_id for how, run_id in answers if how == "started"]
    assert len(started) == len(desk.pos_sync.messages) == 1
    assert {run_id for _, run_id in answers} == set(started)


def test_a_double_click_names_the_same_run(desk: Desk) -> None:
    run_id = desk.sync.start(WISH)

    with pytest.raises(RunUnderWay) as refused:
        desk.sync.start(WISH)

    assert refused.value.run_id == run_id


def test_a_run_of_the_schedule_is_under_way_too_and_a_webhooks_is_not(desk: Desk) -> None:
    def hold(run_id: str) -> ActiveRun[Run]:
        return take_lease(desk.database, run_id, now=utc_now(), seconds=60)

    held = hold("cron-1")
    with pytest.raises(RunUnderWay, match="cron-1"):
        desk.sync.start(WISH)
    held.end([])

    hold("webhook-1")
    assert desk.sync.start(WISH)


def test_a_run_that_nobody_began_is_not_waited_for_for_ever(desk: Desk) -> None:
    first = desk.sync.start(WISH)

    desk.later = timedelta(minutes=11)

    assert desk.sync.start(WISH) != first


def test_an_org_may_be_synced_by_hand_six_times_an_hour(desk: Desk) -> None:
    for number in range(RUNS_PER_HOUR):
        desk.later = timedelta(minutes=number)
        desk.end(desk.sync.start(WISH))

    desk.later = timedelta(minutes=10)
    with pytest.raises(RateLimited) as refused:
        desk.sync.start(WISH)

    # Then the next may come an hour after the first
    assert 49 * 60 < refused.value.retry_after <= 50 * 60
    desk.later = timedelta(minutes=60, seconds=5)
    assert desk.sync.start(WISH)


def test_the_limit_is_each_orgs_own(desk: Desk) -> None:
    for _ in range(RUNS_PER_HOUR):
        desk.end(desk.sync.start(WISH))

    assert desk.sync.start(SyncRequest("org_other", "u1"))


class Full(Outbox):
    """A topic that takes nothing."""

    def publish(self, messages: Any) -> int:
        raise TimeoutError


def test_a_run_whose_message_is_not_taken_is_over_and_another_may_be_asked_for(
    client: Client,
) -> None:
    desk = Desk(Database(client), Full())

    with pytest.raises(TimeoutError):
        desk.sync.start(WISH)

    (run,) = [d.to_dict() for d in client.collection(f"tenants/{ORG}/sync_runs").stream()]
    assert run is not None
    assert (run["state"], run["error"]["code"]) == ("failed", "run_not_sent")
    assert Desk(Database(client)).sync.start(WISH)


def test_whoever_waits_is_told_when_the_run_has_ended(desk: Desk) -> None:
    run_id = desk.sync.start(WISH)
    threading.Timer(0.5, desk.end, [run_id]).start()

    assert desk.sync.wait(ORG, run_id, 20).state is RunState.SUCCEEDED


def test_whoever_waits_in_vain_is_told_how_far_it_is(desk: Desk) -> None:
    run_id = desk.sync.start(WISH)

    assert desk.sync.wait(ORG, run_id, 0.3).state is RunState.QUEUED


def test_a_run_that_does_not_exist_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.sync.read(ORG, "nothing")


def test_a_machine_starts_a_run_of_every_active_org_or_of_one(desk: Desk, client: Client) -> None:
    statuses = {"org_a": "active", "org_b": "active", "org_c": "paused"}
    for org_id, status in statuses.items():
        location = {"orgId": org_id, "posConfig": {"status": status}}
        client.document(f"locations/{org_id}-1").set(location)

    every, one = desk.sync.start_all(None), desk.sync.start_all("org_b")

    assert every.keys() == {"org_a", "org_b"}
    assert one.keys() == {"org_b"}
    assert len(desk.pos_sync.messages) == 3
    assert desk.sync.read("org_b", one["org_b"]).state is RunState.QUEUED
    for nobody in ("org_c", "org_d"):
        with pytest.raises(NotFound):
            desk.sync.start_all(nobody)


def test_a_queued_run_that_finds_the_org_taken_says_so(world: World) -> None:
    # Given a run that was queued just before another one took the org
    desk = Desk(world.database)
    run_id = desk.sync.start(WISH)
    take_lease(world.database, "cron-1", now=utc_now(), seconds=60)

    # When its message arrives
    (queued,) = desk.pos_sync.take()
    assert isinstance(queued, PosSync)
    world.service()(SyncOrg.of(queued))

    # Then whoever waits for it is told
    ended = desk.sync.wait(ORG, run_id, 5)
    assert ended.state is RunState.FAILED
    assert ended.error is not None
    assert "cron-1" in ended.error.message
