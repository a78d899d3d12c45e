"""How the sync of an org stands at a moment, as people are told. All times are aware UTC."""

from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.runs import OVERDUE_AFTER
from shared.domain.spread import SLICES, slice_of

SCHEDULED_EVERY = timedelta(minutes=30)
"""How often the schedule has every org synced (``schedules.pos-sync`` of deploy/functions.yaml)."""
SCHEDULED_WITHIN = timedelta(seconds=1_500)
"""Over how long the orgs of one tick are spread (ibid.)."""
METADATA_EVERY = timedelta(hours=24)
"""How often brands, categories, vendors and locations are listed."""
ON_TIME = timedelta(minutes=5)
"""How much later than its schedule says a stream may have come and still count as live."""
RECENT = timedelta(minutes=90)
"""How much later it still counts as recent: two hours after the last time, at every 30 minutes."""


class OrgState(StrEnum):
    """The states of an org's sync. ``never``: no run of it has ended yet."""

    ACTIVE = "active"
    ERROR = "error"
    PAUSED = "paused"
    HELD = "held"
    NEVER = "never"

    @property
    def is_failing(self) -> bool:
        return self in (OrgState.ERROR, OrgState.PAUSED)


class Freshness(StrEnum):
    """How recent the stored records of a stream are, or why they are not."""

    LIVE = "live"
    RECENT = "recent"
    STALE = "stale"
    FAILED = "failed"
    PAUSED = "paused"
    HELD = "held"


def freshness(
    last_success_at: datetime | None,
    now: datetime,
    *,
    paused: bool,
    failed: bool,
    held: bool,
    every: timedelta = SCHEDULED_EVERY,
) -> Freshness:
    """The freshness of a stream that is synced ``every`` so often. What a person has to act on goes
    before its age."""
    if paused:
        return Freshness.PAUSED
    if failed:
        return Freshness.FAILED
    if held:
        return Freshness.HELD
    if last_success_at is None:
        return Freshness.STALE
    late = now - last_success_at - every
    if late < ON_TIME:
        return Freshness.LIVE
    return Freshness.RECENT if late < RECENT else Freshness.STALE


def next_scheduled(
    org_id: str, ticked_at: datetime | None, now: datetime, not_before: datetime | None = None
) -> datetime | None:
    """When the schedule next has the org synced, by the last tick for all orgs; None where that is
    not known: the schedule is silent, or has never run. ``not_before``: until then the org rests.
    """
    if ticked_at is None or now - ticked_at > OVERDUE_AFTER:
        return None
    at = ticked_at + SCHEDULED_WITHIN * slice_of(org_id) / SLICES
    after = max(now, not_before or now)
    ticks = (after - at) // SCHEDULED_EVERY + 1 if at <= after else 0
    return at + ticks * SCHEDULED_EVERY
