"""Segments: what a customer is to the dispensary, by orders, money spent and days since the last.

The rules are the same for every org: the first that holds decides. Time alone can change a segment;
``segment_boundaries`` says when.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.wording import counted


class Segment(StrEnum):
    """What a customer is to the dispensary."""

    NEW = "new"
    VIP = "vip"
    LOYAL = "loyal"
    CHURNED = "churned"
    AT_RISK = "at_risk"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True)
class SegmentThresholds:
    """The numbers in the rules: cents spent, counted orders, whole days since the last order."""

    vip_cents: int = 1000_00
    vip_orders: int = 10
    loyal_orders: int = 5
    loyal_days: int = 60
    churned_days: int = 90
    at_risk_days: int = 45
    returning_orders: int = 2


THRESHOLDS = SegmentThresholds()


@dataclass(frozen=True, slots=True)
class Segmented:
    """A segment and why: the rule that held with the numbers it held for."""

    segment: Segment
    reason: str


def segment_of(
    *,
    order_count: int,
    spent_cents: int,
    last_order_at: datetime | None,
    now: datetime,
    thresholds: SegmentThresholds = THRESHOLDS,
) -> Segmented:
    """Segment of a customer at ``now``. The reason is stored: its text is part of the rule."""
    if order_count == 0 and last_order_at is None:
        return Segmented(Segment.NEW, "no orders yet")
    limit = thresholds
    days = whole_days(last_order_at, now) if last_order_at else None
    ago = "never ordered"
    if days is not None:
        ago = f"last order {counted(days, 'days')} before {now:%Y-%m-%d}"
    if spent_cents >= limit.vip_cents and order_count >= limit.vip_orders:
        spent = f"spent ${spent_cents / 100:,.2f} (at least {_dollars(limit.vip_cents)})"
        orders = f"{counted(order_count, 'orders')} (at least {limit.vip_orders})"
        return Segmented(Segment.VIP, f"{spent} over {orders}")
    if days is not None:
        if order_count >= limit.loyal_orders and days < limit.loyal_days:
            orders = f"{counted(order_count, 'orders')} (at least {limit.loyal_orders})"
            return Segmented(Segment.LOYAL, f"{orders}, {ago} (under {limit.loyal_days})")
        if days > limit.churned_days:
            return Segmented(Segment.CHURNED, f"{ago} (over {limit.churned_days})")
        if days > limit.at_risk_days:
            return Segmented(Segment.AT_RISK, f"{ago} (over {limit.at_risk_days})")
    if order_count >= limit.returning_orders:
        orders = f"{counted(order_count, 'orders')} (at least {limit.returning_orders})"
        return Segmented(Segment.RETURNING, f"{orders}, {ago}")
    return Segmented(
        Segment.NEW, f"{counted(order_count, 'orders')} (under {limit.returning_orders}), {ago}"
    )


def rules(thresholds: SegmentThresholds = THRESHOLDS) -> list[tuple[Segment, str]]:
    """The segments with what each asks for, in words, in the order in which they are tried."""
    limit = thresholds
    loyal, recent = counted(limit.loyal_orders, "orders"), counted(limit.loyal_days, "days")
    spent, many = _dollars(limit.vip_cents), f"at least {counted(limit.vip_orders, 'orders')}"
    return [
        (Segment.NEW, "no orders yet"),
        (Segment.VIP, f"spent at least {spent} over {many}"),
        (Segment.LOYAL, f"at least {loyal}, the last under {recent} ago"),
        (Segment.CHURNED, f"last order over {counted(limit.churned_days, 'days')} ago"),
        (Segment.AT_RISK, f"last order over {counted(limit.at_risk_days, 'days')} ago"),
        (Segment.RETURNING, f"at least {counted(limit.returning_orders, 'orders')}"),
        (Segment.NEW, "none of the others"),
    ]


def whole_days(since: datetime, now: datetime) -> int:
    """Whole days elapsed; a moment in the future counts as today."""
    return max(0, (now - since).days)


@dataclass(frozen=True, slots=True)
class SegmentBoundary:
    """A customer stored with one of ``segments`` who last ordered at ``until`` or before has
    another segment by now."""

    segments: tuple[Segment, ...]
    until: datetime


def segment_boundaries(
    now: datetime, thresholds: SegmentThresholds = THRESHOLDS
) -> Iterator[SegmentBoundary]:
    """The boundaries at ``now``. A stored segment is out of date exactly if its customer is past
    one of them; a VIP never is."""

    def ago(days: int) -> datetime:
        return now - timedelta(days=days)

    yield SegmentBoundary((Segment.NEW, Segment.RETURNING), ago(thresholds.at_risk_days + 1))
    yield SegmentBoundary((Segment.LOYAL,), ago(thresholds.loyal_days))
    yield SegmentBoundary((Segment.AT_RISK,), ago(thresholds.churned_days + 1))


def _dollars(cents: int) -> str:
    return f"${cents / 100:,.2f}".removesuffix(".00")
