"""The lease as a state machine: one holder at a time, an epoch that only grows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.domain.runs import Granted, HeldByOtherRun, HeldBySameRun, Lease, ask

TTL = timedelta(seconds=60)
START = datetime(2026, 3, 1, tzinfo=UTC)

runs = st.sampled_from(["monday", "tuesday"])


HELD = Lease(epoch=4, run_id="monday", holder="w1", expires_at=START + TTL)
HANDED_OVER = Lease(epoch=4, run_id="monday", holder=None, expires_at=START + TTL)


@pytest.mark.parametrize(
    ("lease", "alive"),
    [
        (Lease(), False),
        (HELD, True),
        (HANDED_OVER, True),
        (Lease(epoch=4, run_id="monday", holder="w1", expires_at=START), False),
        (Lease(epoch=4, run_id="monday", holder="w1", expires_at=START - TTL), False),
        (Lease(epoch=4, run_id=None, holder=None, expires_at=START + TTL), False),
        (Lease(epoch=4, run_id="monday", holder="w1", expires_at=None), False),
    ],
    ids=[
        "never given",
        "held",
        "between two workers of one run",
        "it ends now",
        "it has ended",
        "its run has ended",
        "nobody knows until when",
    ],
)
def test_a_lease_is_alive_while_its_run_has_time_left(lease: Lease, alive: bool) -> None:
    assert lease.alive(START) is alive


@pytest.mark.parametrize(
    ("lease", "run_id", "answer"),
    [
        (HELD, "monday", HeldBySameRun()),
        (HELD, "tuesday", HeldByOtherRun("monday")),
        (HANDED_OVER, "monday", Granted(5, abandoned=None)),
        (HANDED_OVER, "tuesday", HeldByOtherRun("monday")),
    ],
)
def test_a_living_lease_is_for_its_own_run_once_its_worker_has_left(
    lease: Lease, run_id: str, answer: Granted | HeldBySameRun | HeldByOtherRun
) -> None:
    assert ask(lease, run_id=run_id, now=START) == answer


def test_the_first_grant_of_an_org_has_the_epoch_1() -> None:
    assert ask(Lease(), run_id="monday", now=START) == Granted(1, abandoned=None)


def test_a_free_org_is_granted_with_the_next_epoch() -> None:
    assert ask(Lease(epoch=4), run_id="monday", now=START) == Granted(5, abandoned=None)


def test_a_dead_workers_run_is_named_to_whoever_takes_over() -> None:
    dead = Lease(epoch=4, run_id="monday", holder="w1", expires_at=START)
    assert ask(dead, run_id="tuesday", now=START) == Granted(5, abandoned="monday")
    assert ask(dead, run_id="monday", now=START) == Granted(5, abandoned=None)


class Workers(RuleBasedStateMachine):
    """Workers of two runs ask, hand over, finish and die in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.lease = Lease()
        self.now = START
        self.at_work: tuple[str, int] | None = None

    @rule(run_id=runs)
    def somebody_asks(self, run_id: str) -> None:
        answer = ask(self.lease, run_id=run_id, now=self.now)
        busy = self.at_work is not None and self.lease.alive(self.now)
        if isinstance(answer, Granted):
            assert not busy, "two workers at once"
            assert answer.epoch == self.lease.epoch + 1
            self.lease = Lease(answer.epoch, run_id, "worker", self.now + TTL)
            self.at_work = (run_id, answer.epoch)
        elif isinstance(answer, HeldByOtherRun):
            assert answer.run_id != run_id
        else:
            assert isinstance(answer, HeldBySameRun)
            assert busy

    @rule()
    def the_worker_hands_over(self) -> None:
        if self.at_work:
            lease = self.lease
            self.lease = Lease(lease.epoch, lease.run_id, None, self.now + TTL)
            self.at_work = None

    @rule()
    def the_worker_finishes(self) -> None:
        if self.at_work:
            self.lease = Lease(self.lease.epoch, None, None, self.now)
            self.at_work = None

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        if not self.lease.alive(self.now):
            self.at_work = None

    @invariant()
    def a_handed_over_run_is_kept_for_its_own_continuation(self) -> None:
        if self.lease.alive(self.now) and self.lease.holder is None:
            other = "monday" if self.lease.run_id == "tuesday" else "tuesday"
            assert isinstance(ask(self.lease, run_id=other, now=self.now), HeldByOtherRun)
            own = ask(self.lease, run_id=str(self.lease.run_id), now=self.now)
            assert isinstance(own, Granted)


TestWorkers = Workers.TestCase
