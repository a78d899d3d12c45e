"""Rule segments of a customer. First rule that holds wins; the order is part of the rule.

Who changes segment by doing nothing: the lines that a last order crosses as it gets older.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

VIP_CENTS = 1000_00
VIP_ORDERS = 10
LOYAL_ORDERS = 5
LOYAL_DAYS = 60
CHURNED_DAYS = 90
AT_RISK_DAYS = 45
RETURNING_ORDERS = 2


class Segment(StrEnum):
    """What a customer is to the dispensary."""

    NEW = "new"
    VIP = "vip"
    LOYAL = "loyal"
    CHURNED = "churned"
    AT_RISK = "at_risk"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True)
class Segmented:
    """A segment and why: the rule that held with the numbers it held for."""

    segment: Segment
    reason: str


def segment_of(
    *, order_count: int, spent_cents: int, last_order_at: datetime | None, now: datetime
) -> Segmented:
    """Segment of a customer at ``now``; days are whole days elapsed since the last order."""
    if order_count == 0 and last_order_at is None:
        return Segmented(Segment.NEW, "no orders yet")
    days = whole_days(last_order_at, now) if last_order_at else None
    spent = f"${spent_cents / 100:,.2f}"
    ago = "never ordered" if days is None else f"last order {days} days before {now:%Y-%m-%d}"
    if spent_cents >= VIP_CENTS and order_count >= VIP_ORDERS:
        return Segmented(
            Segment.VIP,
            f"spent {spent} (at least $1,000) over {order_count} orders (at least {VIP_ORDERS})",
        )
    if days is not None:
        if order_count >= LOYAL_ORDERS and days < LOYAL_DAYS:
            return Segmented(
                Segment.LOYAL,
                f"{order_count} orders (at least {LOYAL_ORDERS}), {ago} (under {LOYAL_DAYS})",
            )
        if days > CHURNED_DAYS:
            return Segmented(Segment.CHURNED, f"{ago} (over {CHURNED_DAYS})")
        if days > AT_RISK_DAYS:
            return Segmented(Segment.AT_RISK, f"{ago} (over {AT_RISK_DAYS})")
    if order_count >= RETURNING_ORDERS:
        return Segmented(
            Segment.RETURNING, f"{order_count} orders (at least {RETURNING_ORDERS}), {ago}"
        )
    return Segmented(Segment.NEW, f"{order_count} orders (under {RETURNING_ORDERS}), {ago}")


def whole_days(since: datetime, now: datetime) -> int:
    """Whole days elapsed; a moment in the future counts as today."""
    return max(0, (now - since).days)


@dataclass(frozen=True, slots=True)
class SegmentBoundary:
    """Whoever is still of one of these segments, having ordered last at ``until`` or before, has
    crossed a line since the segment was written."""

    segments: tuple[Segment, ...]
    until: datetime


def segment_boundaries(now: datetime) -> Iterator[SegmentBoundary]:
    """The lines as of ``now``. A customer stands behind one of them exactly if the segment that
    was right before is not right any more; a vip never does."""
    yield SegmentBoundary((Segment.NEW, Segment.RETURNING), now - timedelta(days=AT_RISK_DAYS + 1))
    yield SegmentBoundary((Segment.LOYAL,), now - timedelta(days=LOYAL_DAYS))
    yield SegmentBoundary((Segment.AT_RISK,), now - timedelta(days=CHURNED_DAYS + 1))
