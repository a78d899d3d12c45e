"""Dollars to cents and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.money import average_cents, to_cents, to_dollars


@pytest.mark.parametrize(
    ("dollars", "cents"),
    [
        (39.55, 3955),
        ("39.55", 3955),
        (" 12 ", 1200),
        (0.005, 1),
        (1.005, 101),
        (-0.005, -1),
        (2.675, 268),
        ("1e2", 10_000),
    ],
)
def test_amounts_are_rounded_half_up_to_cents(dollars: object, cents: int) -> None:
    assert to_cents(dollars) == cents


@pytest.mark.parametrize("nonsense", [None, True, "", "free", "NaN", "Infinity", 10_000_000, {}])
def test_what_is_no_amount_is_refused(nonsense: object) -> None:
    with pytest.raises(ValueError, match="money"):
        to_cents(nonsense)


@given(st.integers(-999_999_999, 999_999_999))
def test_cents_survive_the_way_to_firestore_and_back(cents: int) -> None:
    assert to_cents(to_dollars(cents)) == cents


def test_an_average_over_nothing_is_nothing() -> None:
    assert average_cents(500, 0) == 0
    assert average_cents(-25, 2) == -13
