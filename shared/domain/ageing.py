"""Who changes segment by doing nothing: the lines that a last order crosses as it gets older."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.segmentation import AT_RISK_DAYS, CHURNED_DAYS, LOYAL_DAYS, Segment


@dataclass(frozen=True, slots=True)
class Crossed:
    """Whoever is still of one of these segments, having ordered last at ``until`` or before, has
    crossed a line since the segment was written."""

    segments: tuple[Segment, ...]
    until: datetime


def lines(now: datetime) -> Iterator[Crossed]:
    """The lines as of ``now``. A customer stands behind one of them exactly if the segment that
    was right before is not right any more; a vip never does."""
    yield Crossed((Segment.NEW, Segment.RETURNING), now - timedelta(days=AT_RISK_DAYS + 1))
    yield Crossed((Segment.LOYAL,), now - timedelta(days=LOYAL_DAYS))
    yield Crossed((Segment.AT_RISK,), now - timedelta(days=CHURNED_DAYS + 1))
