"""When an org's sync rests because its POS refuses the credentials, and when it is tried again."""

from datetime import datetime, timedelta

REJECTIONS_TO_PAUSE = 3
PROBE_EVERY = timedelta(days=1)


def rejections_after(before: int, *, rejected: bool, accepted: bool) -> int:
    """Rejected runs in a row after one more run.

    ``accepted``: the POS let the run in, at least for a part of its work. A run that is neither
    (the POS could not be reached) says nothing about the credentials.
    """
    if accepted:
        return 0
    return before + 1 if rejected else before


def is_paused(rejections: int) -> bool:
    """Whether an org with that many rejected runs in a row is left alone."""
    return rejections >= REJECTIONS_TO_PAUSE


def next_probe(tried_at: datetime) -> datetime:
    """When a paused org that was tried at a moment is tried again without being asked to."""
    return tried_at + PROBE_EVERY
