"""Runs that meet: twins, other runs, continuations."""

from collections import Counter
from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from shared.bus.messages import Loyalty
from shared.clock import utc_now
from shared.errors import Busy
from tests.emulator.environment import SyncRunner
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"


def test_a_run_whose_time_is_up_is_continued_and_asks_nobody_twice(
    pos: SimulatedPos, loyalty: LoyaltyRunner
) -> None:
    # Given answers so slow that a batch takes longer than an invocation has
    pos.fault("latency", endpoint="wallet", ms=150)
    # When
    run = loyalty.reconcile(ORG, seconds=0.3)
    # Then
    assert run["state"] == "succeeded"
    assert run["invocations"] >= 3
    assert run["counts"]["asked"] == run["counts"]["updated"] == 120
    assert (run["counts"]["found"], run["counts"]["newlyInReview"]) == (24, 3)
    calls = Counter((c["phone"], c["email"]) for c in loyalty.look_ups(ORG))
    assert sum(calls.values()) == loyalty.calls_of_one_pass(ORG)


def test_a_twin_of_a_message_comes_back_later(loyalty: LoyaltyRunner) -> None:
    message = Loyalty(org_id=ORG, run_id="run-1")
    with loyalty.lease_held(ORG, "run-1"), pytest.raises(Busy):
        loyalty.service()(message, "message-1")


def test_a_run_that_has_ended_is_not_done_again(
    store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG, run_id="run-1")
    calls = len(loyalty.look_ups(ORG))
    before = store.document(f"tenants/{ORG}/loyalty_runs/run-1")
    # When
    loyalty.service()(Loyalty(org_id=ORG, run_id="run-1"), "message-1")
    # Then
    assert len(loyalty.look_ups(ORG)) == calls
    assert store.document(f"tenants/{ORG}/loyalty_runs/run-1") == before


def test_a_message_without_a_run_is_one_run_however_often_it_is_delivered(
    store: StoredDocuments,
    loyalty: LoyaltyRunner,
) -> None:
    for _ in range(3):
        loyalty.service()(Loyalty(org_id=ORG), "message-7")
    assert len(store.documents(f"tenants/{ORG}/loyalty_runs")) == 1


def test_a_second_run_leaves_the_org_to_the_first(loyalty: LoyaltyRunner) -> None:
    # Given
    with loyalty.lease_held(ORG, "run-1"):
        # When the org's turn comes again, and one customer's
        loyalty.service()(Loyalty(org_id=ORG, run_id="run-2"), "message-2")
        loyalty.service()(Loyalty(org_id=ORG, run_id="run-3", customer_ids=("1",)), "message-3")
    # Then the org is done already, the customer is asked for again in a while
    assert loyalty.look_ups(ORG) == []
    assert [message.run_id for message in loyalty.take_scheduled()] == ["run-3"]
    assert loyalty.continuations.take() == []


def test_a_run_that_was_abandoned_is_closed_and_its_work_done(
    store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given a run whose worker died after marking everybody, and whose message died too
    service = loyalty.service(seconds=0)
    service(Loyalty(org_id=ORG, run_id="run-1"), "message-1")
    loyalty.continuations.take()
    loyalty.expire_lease(ORG)
    # When the next run comes
    run = loyalty.reconcile(ORG, run_id="run-2")
    # Then
    first = store.document(f"tenants/{ORG}/loyalty_runs/run-1")
    assert (first["state"], first["error"]["code"]) == ("failed", "loyalty_run_abandoned")
    assert run["counts"]["asked"] == 120


def test_a_loyalty_run_does_not_keep_the_orgs_sync_waiting(
    sync: SyncRunner, loyalty: LoyaltyRunner
) -> None:
    with loyalty.lease_held(ORG, "run-1"):
        assert sync.run(ORG)["state"] == "succeeded"


def test_a_run_that_waits_for_its_rate_limit_keeps_the_org(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given a run that may go on in an hour, and whose worker's lease would be over by then
    limit = {"perSecond": None, "perMinute": None, "perHour": 60}
    client.document(f"tenants/{ORG}").update({"alpineIq.rateLimit": limit})
    loyalty.run(ORG, "run-1")
    assert [message.run_id for message in loyalty.take_scheduled()] == ["run-1"]
    lease = store.document(f"tenants/{ORG}/loyalty_state/lease")
    assert lease["expiresAt"] > utc_now() + timedelta(minutes=58)
    # When the next tick comes meanwhile
    loyalty.run(ORG, "run-2")
    # Then the org is left to the first
    assert store.document(f"tenants/{ORG}/loyalty_runs/run-2") == {}
    assert store.document(f"tenants/{ORG}/loyalty_runs/run-1")["state"] == "running"
