"""The rule segments, at and beside each of their lines."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.segmentation import Segment, SegmentThresholds, segment_of, whole_days

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("orders", "dollars", "days_ago", "segment"),
    [
        (0, 0, None, Segment.NEW),
        (10, 1000, 400, Segment.VIP),
        (10, 999.99, 5, Segment.LOYAL),
        (9, 5000, 5, Segment.LOYAL),
        (5, 100, 59, Segment.LOYAL),
        (5, 100, 60, Segment.AT_RISK),
        (5, 100, 90, Segment.AT_RISK),
        (5, 100, 91, Segment.CHURNED),
        (1, 20, 91, Segment.CHURNED),
        (1, 20, 90, Segment.AT_RISK),
        (1, 20, 46, Segment.AT_RISK),
        (2, 20, 45, Segment.RETURNING),
        (4, 20, 0, Segment.RETURNING),
        (1, 20, 45, Segment.NEW),
        (1, 20, 0, Segment.NEW),
        (0, 0, 91, Segment.CHURNED),
        (1, 20, None, Segment.NEW),
        (2, 20, None, Segment.RETURNING),
        (10, 1000, None, Segment.VIP),
    ],
)
def test_each_rule_holds_up_to_its_line_and_not_beyond(
    orders: int, dollars: float, days_ago: int | None, segment: Segment
) -> None:
    last = None if days_ago is None else NOW - timedelta(days=days_ago)
    found = segment_of(
        order_count=orders, spent_cents=round(dollars * 100), last_order_at=last, now=NOW
    )
    assert found.segment is segment


USUAL = SegmentThresholds()
RARE = SegmentThresholds(
    vip_cents=2_500_50,
    vip_orders=21,
    loyal_orders=8,
    loyal_days=31,
    churned_days=77,
    at_risk_days=52,
    returning_orders=3,
)


@pytest.mark.parametrize(
    ("thresholds", "orders", "cents", "days_ago", "reason"),
    [
        (USUAL, 0, 0, None, "no orders yet"),
        (USUAL, 12, 1234_56, 3, "spent $1,234.56 (at least $1,000) over 12 orders (at least 10)"),
        (USUAL, 5, 100, 2, "5 orders (at least 5), last order 2 days before 2026-11-20 (under 60)"),
        (USUAL, 1, 100, 91, "last order 91 days before 2026-11-20 (over 90)"),
        (USUAL, 1, 100, 46, "last order 46 days before 2026-11-20 (over 45)"),
        (USUAL, 2, 100, 1, "2 orders (at least 2), last order 1 day before 2026-11-20"),
        (USUAL, 1, 100, 0, "1 order (under 2), last order 0 days before 2026-11-20"),
        (USUAL, 1, 100, None, "1 order (under 2), never ordered"),
        (RARE, 21, 9000_00, 3, "spent $9,000.00 (at least $2,500.50) over 21 orders (at least 21)"),
        (RARE, 8, 100, 2, "8 orders (at least 8), last order 2 days before 2026-11-20 (under 31)"),
        (RARE, 1, 100, 78, "last order 78 days before 2026-11-20 (over 77)"),
        (RARE, 1, 100, 53, "last order 53 days before 2026-11-20 (over 52)"),
        (RARE, 3, 100, 1, "3 orders (at least 3), last order 1 day before 2026-11-20"),
        (RARE, 2, 100, 0, "2 orders (under 3), last order 0 days before 2026-11-20"),
    ],
)
def test_the_reason_names_the_rule_and_the_numbers_it_held_for(
    thresholds: SegmentThresholds, orders: int, cents: int, days_ago: int | None, reason: str
) -> None:
    last = None if days_ago is None else NOW - timedelta(days=days_ago)
    found = segment_of(
        order_count=orders, spent_cents=cents, last_order_at=last, now=NOW, thresholds=thresholds
    )
    assert found.reason == reason


def test_a_day_counts_only_once_it_has_passed_whole() -> None:
    almost = NOW - timedelta(days=90, hours=23, minutes=59)
    assert whole_days(almost, NOW) == 90
    assert whole_days(NOW - timedelta(days=91), NOW) == 91
    assert whole_days(NOW + timedelta(hours=1), NOW) == 0


@given(
    orders=st.integers(1, 50),
    spent=st.integers(0, 500_000),
    early=st.integers(0, 400),
    later=st.integers(0, 400),
)
def test_waiting_never_brings_a_customer_back(
    orders: int, spent: int, early: int, later: int
) -> None:
    """Without orders a customer only ages: towards churned, or stays a VIP."""
    age = [Segment.LOYAL, Segment.NEW, Segment.RETURNING, Segment.AT_RISK, Segment.CHURNED]
    before, after = (
        segment_of(
            order_count=orders, spent_cents=spent, last_order_at=NOW - timedelta(days=days), now=NOW
        ).segment
        for days in sorted((early, later))
    )
    if before is Segment.VIP:
        assert after is Segment.VIP
    else:
        assert age.index(after) >= age.index(before)
