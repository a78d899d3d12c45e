"""Messages that were given up: kept, and the run that they were about is ended."""

import json

import pytest

from shared.bus.events import Delivery
from shared.services.dead_letters import RecordDeadLetter
from shared.store import paths
from shared.store.lease import HeldLease
from tests.emulator.sync.test_fencing import take
from tests.emulator.sync.world import World

ORG = "org_test"
RUN = f"tenants/{ORG}/sync_runs/monday"


@pytest.fixture
def record(world: World) -> RecordDeadLetter:
    return RecordDeadLetter(world.database, world.alerts, world.now)


def letter(**message: object) -> Delivery:
    attributes = {
        "CloudPubSubDeadLetterSourceSubscription": "org-sync",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
    }
    return Delivery("4711", json.dumps(message), attributes)


def sync_letter() -> Delivery:
    return letter(orgId=ORG, runId="monday", trigger="manual")


def begin(world: World, state: str = "running") -> None:
    fields = {"state": state, "trigger": "manual", "startedAt": world.now()}
    world.client.document(RUN).set(fields)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_whose_message_died_is_ended_and_people_hear_of_it_once(
    world: World, record: RecordDeadLetter, state: str
) -> None:
    begin(world, state)

    record(sync_letter())
    record(sync_letter())

    run = world.document(RUN)
    assert (run["state"], run["error"]["code"]) == ("failed", "run_given_up")
    assert world.status(ORG)["status"] == "error"
    assert "operators" in world.status(ORG)["lastError"]
    assert world.told.titles == ["A sync was given up"]
    kept = world.document("dead_letters/4711")
    assert json.loads(kept["data"])["runId"] == "monday"
    assert kept["message"] == "not processed after 5 deliveries"


def test_a_run_that_a_twin_of_its_message_is_at_work_on_is_left_alone(
    world: World, record: RecordDeadLetter
) -> None:
    begin(world)
    held = take(world.client, "monday")
    assert isinstance(held, HeldLease)

    record(sync_letter())

    assert world.document(RUN)["state"] == "running"
    assert world.told.titles == []
    assert world.document("dead_letters/4711")

    # Handed over, to a message that came no further, it has nobody at work any more.
    held.hand_over([])
    record(sync_letter())
    assert world.document(RUN)["state"] == "failed"
    assert world.document(paths.lease(ORG))["runId"] == "monday"


def test_a_run_that_has_ended_or_never_was_stays_as_it_is(
    world: World, record: RecordDeadLetter
) -> None:
    record(sync_letter())
    assert world.document(RUN) == {}
    begin(world, "succeeded")
    record(sync_letter())
    assert world.document(RUN)["state"] == "succeeded"
    assert world.told.titles == []


def test_a_message_that_is_of_no_run_is_kept(world: World, record: RecordDeadLetter) -> None:
    record(letter(customerIds=["1"]))
    assert world.document("dead_letters/4711")["topic"] == "org-sync"
