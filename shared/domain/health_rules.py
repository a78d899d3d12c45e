"""What the watchdog holds to be wrong. All times are moments in UTC."""

from datetime import datetime, timedelta

from shared.domain.lease import Lease
from shared.domain.runs import RunState

OVERDUE_AFTER = timedelta(hours=2)
"""Without a successful sync for this long, an org is told of; so is a schedule without a tick."""

NEW_FOR = timedelta(days=1)
"""How long after its first tick an org counts as new: from then on its last success speaks."""

FORGOTTEN_AFTER = timedelta(days=30)
"""An org that has not succeeded for this long was told of long ago."""

SILENT_AFTER = timedelta(minutes=30)
"""A run whose worker was not heard of for this long has none: longer than Pub/Sub waits before
it delivers a message again."""

QUEUED_FOR = timedelta(hours=2)
"""A run that was not begun within this time never will be."""

MANY_ORGS = 25
"""From here on overdue orgs are one incident of ours, not one incident each."""


def is_stuck(
    state: RunState, started_at: datetime, run_id: str, lease: Lease, now: datetime
) -> bool:
    """Whether a run that has not ended never will: nobody holds its org's ``lease`` for it."""
    if state is RunState.QUEUED:
        return now - started_at > QUEUED_FOR
    heard = started_at
    if lease.run_id == run_id and lease.expires_at is not None:
        heard = max(heard, lease.expires_at)
    return state is RunState.RUNNING and now - heard > SILENT_AFTER


def is_recovered(opened_at: datetime, last_success: datetime | None) -> bool:
    """Whether an incident about an org's sync has ended: it has succeeded since."""
    return last_success is not None and last_success > opened_at
