"""The fence: a worker that lost its lease writes nothing more."""

from datetime import timedelta

import pytest
from google.cloud.firestore import Client

from shared.errors import Busy, LeaseLost
from shared.store import database as store
from shared.store import paths
from shared.store.database import Backoff, Contention, Database, Put
from shared.store.lease import HeldByOtherRun, HeldLease, acquire
from tests.fakes import SteppingClock
from tests.strict_firestore.control import Control

ORG = "org_test"
NOTE = f"tenants/{ORG}/notes/one"


def try_to_hold(
    client: Client, run_id: str, *, ttl: float = 60, clock: SteppingClock | None = None
) -> HeldLease | HeldByOtherRun:
    return acquire(
        Database(client),
        paths.lease(ORG),
        run_id=run_id,
        holder=f"worker of {run_id}",
        ttl=timedelta(seconds=ttl),
        first_writes=lambda abandoned: [],
        monotonic=(clock or SteppingClock()).monotonic,
    )


def hold(
    client: Client, run_id: str, *, ttl: float = 60, clock: SteppingClock | None = None
) -> HeldLease:
    found = try_to_hold(client, run_id, ttl=ttl, clock=clock)
    assert isinstance(found, HeldLease)
    return found


def test_a_worker_overtaken_while_it_was_stopped_changes_nothing_more(client: Client) -> None:
    # Given a worker whose lease ran out while it was stopped, and another that took over
    stopped = hold(client, "monday", ttl=0)
    overtaking = hold(client, "tuesday")
    overtaking.commit([Put(NOTE, {"by": "tuesday"})])

    # When the first goes on, believing that no time has passed
    with pytest.raises(LeaseLost):
        stopped.commit([Put(NOTE, {"by": "monday"})])

    # Then Firestore has refused it, and the second is not disturbed
    assert client.document(NOTE).get().to_dict() == {"by": "tuesday"}
    overtaking.release([Put(NOTE, {"by": "tuesday, at the end"})])
    assert client.document(NOTE).get().to_dict() == {"by": "tuesday, at the end"}


def test_a_worker_past_its_lease_stops_even_when_nobody_took_over(client: Client) -> None:
    clock = SteppingClock()
    worker = hold(client, "monday", clock=clock)
    worker.commit([Put(NOTE, {"by": "monday"})])

    clock.advance(61)

    with pytest.raises(LeaseLost):
        worker.commit([Put(NOTE, {"by": "monday, too late"})])
    assert client.document(NOTE).get().to_dict() == {"by": "monday"}


def test_every_commit_renews_the_lease(client: Client) -> None:
    clock = SteppingClock()
    worker = hold(client, "monday", clock=clock)
    for number in range(5):
        clock.advance(40)
        worker.commit([Put(NOTE, {"number": number})])
    assert client.document(NOTE).get().to_dict() == {"number": 4}


def test_the_epoch_grows_with_every_grant(client: Client) -> None:
    epochs = []
    for run in ("monday", "tuesday", "wednesday"):
        lease = hold(client, run)
        epochs.append(lease.epoch)
        lease.release([])
    assert epochs == [1, 2, 3]


def test_a_live_lease_keeps_other_runs_out_and_its_own_copies_waiting(client: Client) -> None:
    hold(client, "monday")
    assert try_to_hold(client, "tuesday") == HeldByOtherRun("monday")
    with pytest.raises(Busy):
        try_to_hold(client, "monday")


def test_a_lease_handed_over_waits_for_the_same_run(client: Client) -> None:
    first = hold(client, "monday")
    first.hand_over([Put(NOTE, {"page": 3})])
    assert try_to_hold(client, "tuesday") == HeldByOtherRun("monday")
    assert hold(client, "monday").epoch == first.epoch + 1
    with pytest.raises(LeaseLost):
        first.commit([])


def test_a_commit_whose_answer_was_lost_is_recognised_as_done(client: Client) -> None:
    """The library repeats a commit that it got no answer to; the repeat meets its own trace."""

    class Forgetful(Database):
        def commit(self, writes):  # type: ignore[no-untyped-def]
            given = list(writes)
            super().commit(given)
            return super().commit(given)

    worker = hold(client, "monday")
    worker._database = Forgetful(client)
    worker.commit([Put(NOTE, {"by": "monday"})])
    worker._database = Database(client)
    worker.commit([Put(NOTE, {"by": "monday again"})])
    assert client.document(NOTE).get().to_dict() == {"by": "monday again"}


def patient(client: Client) -> Database:
    """A database that sends commits again without waiting."""
    return Database(client, backoff=Backoff(sleep=lambda seconds: None))


def test_commits_that_are_aborted_lose_no_lease(
    client: Client, strict_firestore: Control | None
) -> None:
    if strict_firestore is None:
        return
    # Given a worker whose next commits meet others on the lease's document
    worker = hold(client, "monday")
    worker._database = patient(client)
    strict_firestore.fault("ABORTED", count=9, path=paths.lease(ORG))

    # When it commits
    worker.commit([Put(NOTE, {"by": "monday"})])

    # Then it has its lease still
    assert client.document(NOTE).get().to_dict() == {"by": "monday"}
    worker.release([])


def test_contention_that_lasts_says_nothing_about_the_lease(
    client: Client, strict_firestore: Control | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if strict_firestore is None:
        return
    # Given contention for longer than a commit is sent again
    worker = hold(client, "monday")
    with monkeypatch.context() as patch:
        patch.setattr(store, "TIMEOUT_SECONDS", 0.3)
        strict_firestore.fault("ABORTED", count=None, path=paths.lease(ORG))
        try:
            with pytest.raises(Contention):
                worker.commit([Put(NOTE, {"by": "monday"})])
        finally:
            strict_firestore.clear()

    # Then the worker goes on once it is over
    worker.commit([Put(NOTE, {"by": "monday"})])
    assert client.document(NOTE).get().to_dict() == {"by": "monday"}


def test_a_grant_whose_answer_was_lost_is_a_grant(
    client: Client, strict_firestore: Control | None
) -> None:
    if strict_firestore is None:
        return
    strict_firestore.fault("UNAVAILABLE", applied=True, path=paths.lease(ORG))
    worker = hold(client, "monday")
    worker.release([Put(NOTE, {"by": "monday"})])
    assert client.document(NOTE).get().to_dict() == {"by": "monday"}
