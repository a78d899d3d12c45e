"""Predicted lifetime value."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.customer_scores import MONTHS_AHEAD, predicted_lifetime_cents
from shared.domain.segmentation import Segment
from shared.domain.spending import Spending

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def spending(cents: int, orders: int, days: int) -> Spending:
    first = NOW - timedelta(days=days)
    return Spending(cents, orders, first, first)


@pytest.mark.parametrize(
    ("cents", "orders", "days", "segment", "expected"),
    [
        # 3 months of 1 order of $100 each: 24, 18, 6, 6, 3, 0 more months of $100
        (30_000, 3, 90, Segment.VIP, 270_000),
        (30_000, 3, 90, Segment.LOYAL, 210_000),
        (30_000, 3, 90, Segment.RETURNING, 90_000),
        (30_000, 3, 90, Segment.NEW, 90_000),
        (30_000, 3, 90, Segment.AT_RISK, 60_000),
        (30_000, 3, 90, Segment.CHURNED, 30_000),
        # less than a month counts as one
        (5_000, 1, 1, Segment.NEW, 35_000),
        (5_000, 1, 30, Segment.NEW, 35_000),
        # the day of the first order, and nothing spent
        (5_000, 1, 0, Segment.NEW, 5_000),
        (0, 0, 50, Segment.NEW, 0),
        (-5_000, 1, 50, Segment.NEW, -5_000),
        # half a cent goes up: 1 cent x 30 days x 3 months / 180 days
        (1, 1, 180, Segment.AT_RISK, 2),
    ],
)
def test_the_value_is_what_was_spent_and_what_the_habit_still_brings(
    cents: int, orders: int, days: int, segment: Segment, expected: int
) -> None:
    # Given / When / Then
    assert predicted_lifetime_cents(spending(cents, orders, days), segment, NOW) == expected


def test_a_customer_without_orders_is_worth_nothing_yet() -> None:
    # Given / When / Then
    assert predicted_lifetime_cents(Spending(), Segment.NEW, NOW) == 0


def test_what_was_spent_at_an_unknown_time_is_the_value() -> None:
    # Given / When / Then
    assert predicted_lifetime_cents(Spending(5_000, 1), Segment.VIP, NOW) == 5_000


def test_every_segment_has_its_months() -> None:
    # Given / When / Then
    assert set(MONTHS_AHEAD) == set(Segment)


@given(
    st.integers(1, 10_000_000),
    st.integers(1, 500),
    st.integers(30, 5000),
    st.sampled_from(Segment),
)
def test_the_value_is_the_written_formula_to_the_cent(
    cents: int, orders: int, days: int, segment: Segment
) -> None:
    # Given: orders per month x months x average order value, in dollars
    spent = Decimal(cents) / 100
    rate = Decimal(orders) / (Decimal(days) / 30)
    dollars = spent + rate * MONTHS_AHEAD[segment] * (spent / orders)
    # When
    predicted = predicted_lifetime_cents(spending(cents, orders, days), segment, NOW)
    # Then: 20 digits are compared, for the formula's own divisions are not exact
    rounded = round(dollars, 20).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    assert Decimal(predicted) / 100 == rounded
