"""Runs that meet: twins, other runs, continuations."""

from collections import Counter
from datetime import timedelta

import pytest

from shared.bus.messages import Loyalty
from shared.clock import utc_now
from shared.errors import Busy
from tests.emulator.loyalty.world import LoyaltyWorld
from tests.emulator.sync.world import Outbox

ORG = "org_test"


def test_a_run_whose_time_is_up_is_continued_and_asks_nobody_twice(world: LoyaltyWorld) -> None:
    # Given answers so slow that a batch takes longer than an invocation has
    world.fault("latency", endpoint="wallet", ms=150)
    # When
    run = world.reconcile(ORG, seconds=0.3)
    # Then
    assert run["state"] == "succeeded"
    assert run["invocations"] >= 3
    assert run["counts"]["asked"] == run["counts"]["updated"] == 120
    assert (run["counts"]["found"], run["counts"]["newlyInReview"]) == (24, 3)
    calls = Counter((c["phone"], c["email"]) for c in world.look_ups(ORG))
    assert sum(calls.values()) == world.calls_of_one_pass(ORG)


def test_a_twin_of_a_message_comes_back_later(world: LoyaltyWorld) -> None:
    message = Loyalty(org_id=ORG, run_id="run-1")
    with world.holding(ORG, "run-1"), pytest.raises(Busy):
        world.loyalty()(message, "message-1")


def test_a_run_that_has_ended_is_not_done_again(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG, run_id="run-1")
    calls = len(world.look_ups(ORG))
    before = world.document(f"tenants/{ORG}/loyalty_runs/run-1")
    # When
    world.loyalty()(Loyalty(org_id=ORG, run_id="run-1", full=True), "message-1")
    # Then
    assert len(world.look_ups(ORG)) == calls
    assert world.document(f"tenants/{ORG}/loyalty_runs/run-1") == before


def test_a_message_without_a_run_is_one_run_however_often_it_is_delivered(
    world: LoyaltyWorld,
) -> None:
    for _ in range(3):
        world.loyalty()(Loyalty(org_id=ORG), "message-7")
    assert len(world.documents(f"tenants/{ORG}/loyalty_runs")) == 1


def test_a_second_run_leaves_the_org_to_the_first(world: LoyaltyWorld) -> None:
    # Given
    with world.holding(ORG, "run-1"):
        # When the org's turn comes again, and one customer's
        world.loyalty()(Loyalty(org_id=ORG, run_id="run-2"), "message-2")
        world.loyalty()(Loyalty(org_id=ORG, run_id="run-3", customer_ids=("1",)), "message-3")
    # Then the org is done already, the customer is asked for again in a while
    assert world.look_ups(ORG) == []
    assert [message.run_id for message in world.waiting.take()] == ["run-3"]
    assert isinstance(world.asked, Outbox)
    assert world.asked.take() == []


def test_a_run_that_was_abandoned_is_closed_and_its_work_done(world: LoyaltyWorld) -> None:
    # Given a run whose worker died after marking everybody, and whose message died too
    service = world.loyalty(seconds=0)
    service(Loyalty(org_id=ORG, run_id="run-1"), "message-1")
    assert isinstance(world.asked, Outbox)
    world.asked.take()
    world.expire_lease(ORG)
    # When the next run comes
    run = world.reconcile(ORG, run_id="run-2")
    # Then
    first = world.document(f"tenants/{ORG}/loyalty_runs/run-1")
    assert (first["state"], first["error"]["code"]) == ("failed", "loyalty_run_abandoned")
    assert run["counts"]["asked"] == 120


def test_a_loyalty_run_does_not_keep_the_orgs_sync_waiting(world: LoyaltyWorld) -> None:
    with world.holding(ORG, "run-1"):
        assert world.sync(ORG)["state"] == "succeeded"


def test_a_run_that_waits_for_its_rate_limit_keeps_the_org(world: LoyaltyWorld) -> None:
    # Given a run that may go on in an hour, and whose worker's lease would be over by then
    limit = {"perSecond": None, "perMinute": None, "perHour": 60}
    world.client.document(f"tenants/{ORG}").update({"alpineIq.rateLimit": limit})
    world.begin(ORG, "run-1")
    world.go_on()
    assert [message.run_id for message in world.waiting.take()] == ["run-1"]
    lease = world.document(f"tenants/{ORG}/loyalty_state/lease")
    assert lease["expiresAt"] > utc_now() + timedelta(minutes=58)
    # When the next tick comes meanwhile
    world.begin(ORG, "run-2")
    # Then the org is left to the first
    assert world.document(f"tenants/{ORG}/loyalty_runs/run-2") == {}
    assert world.document(f"tenants/{ORG}/loyalty_runs/run-1")["state"] == "running"
