"""What the watchdog holds to be wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.runs import Lease, RunState, is_recovered, is_stuck

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)
SECOND = timedelta(seconds=1)
SILENT = timedelta(minutes=30)
QUEUED = timedelta(hours=2)


def lease(run_id: str | None, expired: timedelta) -> Lease:
    """A lease that ended so long ago."""
    return Lease(epoch=3, run_id=run_id, holder="w", expires_at=NOW - expired)


@pytest.mark.parametrize(
    ("state", "started", "held", "stuck"),
    [
        # a run whose lease is alive, or was until just now, goes on or is about to be continued
        (RunState.RUNNING, LONG_AGO, lease("run", -SECOND), False),
        (RunState.RUNNING, LONG_AGO, lease("run", SILENT), False),
        (RunState.RUNNING, LONG_AGO, lease("run", SILENT + SECOND), True),
        # the org's lease is another run's, or nobody's: nobody works on this one
        (RunState.RUNNING, LONG_AGO, lease("other", -SECOND), True),
        (RunState.RUNNING, LONG_AGO, Lease(), True),
        (RunState.RUNNING, NOW - SILENT, Lease(), False),
        (RunState.RUNNING, NOW - SILENT - SECOND, Lease(), True),
        # a run that was begun after its lease had ended was heard of when it began
        (RunState.RUNNING, NOW - SILENT, lease("run", 2 * SILENT), False),
        # a lease that tells no end tells nothing
        (RunState.RUNNING, NOW - SILENT, Lease(epoch=3, run_id="run"), False),
        (RunState.RUNNING, LONG_AGO, Lease(epoch=3, run_id="run"), True),
        # a queued run has no lease; its message may wait for a while
        (RunState.QUEUED, NOW - QUEUED, Lease(), False),
        (RunState.QUEUED, NOW - QUEUED - SECOND, Lease(), True),
        # what has ended is not stuck
        (RunState.FAILED, LONG_AGO, Lease(), False),
        (RunState.SUCCEEDED, LONG_AGO, Lease(), False),
    ],
)
def test_a_run_is_stuck_when_nobody_was_heard_of_for_long(
    state: RunState, started: datetime, held: Lease, stuck: bool
) -> None:
    assert is_stuck(state, started, "run", held, NOW) is stuck


@pytest.mark.parametrize(
    ("last_success", "over"),
    [(None, False), (NOW - SECOND, False), (NOW, False), (NOW + SECOND, True)],
)
def test_an_incident_is_over_once_the_org_succeeds_after_it(
    last_success: datetime | None, over: bool
) -> None:
    assert is_recovered(NOW, last_success) is over
