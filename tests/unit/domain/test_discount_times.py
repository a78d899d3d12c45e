"""When discounts begin and end by themselves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.discounts import Discount, DiscountKind, is_over, is_running, next_change

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
BASE = Discount("1", DiscountKind.PERCENT, Decimal(20))
moment = st.none() | st.integers(-5, 5).map(lambda hours: NOW + timedelta(hours=hours))
discounts = st.lists(
    st.builds(
        lambda start, end, active: replace(BASE, starts_at=start, ends_at=end, active=active),
        moment,
        moment,
        st.booleans(),
    ),
    max_size=5,
)


def test_the_next_change_is_the_first_beginning_or_end_to_come() -> None:
    hour = timedelta(hours=1)
    found = [
        replace(BASE, starts_at=NOW - hour, ends_at=NOW + 3 * hour),
        replace(BASE, starts_at=NOW + 2 * hour),
        replace(BASE, ends_at=NOW + hour, active=False),
        replace(BASE, ends_at=NOW),
    ]
    assert next_change(found, NOW) == NOW + 2 * hour
    assert next_change(found, NOW + 3 * hour) is None
    assert next_change([], NOW) is None


@given(discounts, st.integers(0, 6 * 60))
def test_nothing_begins_or_ends_before_the_next_change(found: list[Discount], later: int) -> None:
    change = next_change(found, NOW)
    then = NOW + timedelta(minutes=later)
    if change is None or then < change:
        assert [is_running(d, then) for d in found] == [is_running(d, NOW) for d in found]


@pytest.mark.parametrize(
    ("discount", "over"),
    [
        (BASE, False),
        (replace(BASE, starts_at=NOW + timedelta(days=1)), False),
        (replace(BASE, ends_at=NOW + timedelta(seconds=1)), False),
        (replace(BASE, ends_at=NOW), True),
        (replace(BASE, ends_at=NOW - timedelta(seconds=1)), True),
        (replace(BASE, active=False), True),
        (replace(BASE, active=False, ends_at=NOW + timedelta(days=1)), True),
    ],
    ids=[
        "no end",
        "not begun",
        "a second left",
        "ends now",
        "ended",
        "switched off",
        "switched off before its end",
    ],
)
def test_a_discount_is_over_once_it_is_switched_off_or_at_its_end(
    discount: Discount, over: bool
) -> None:
    assert is_over(discount, NOW) is over


@given(discounts, st.integers(0, 6 * 60))
def test_what_is_over_never_runs_again(found: list[Discount], later: int) -> None:
    then = NOW + timedelta(minutes=later)
    assert not any(is_running(d, then) for d in found if is_over(d, NOW))
