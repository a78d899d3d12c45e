"""Dollars to cents and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.money import average_cents, sum_to_cents, to_cents, to_dollars


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


@pytest.mark.parametrize("nonsense", [None, True, "", "free", "NaN", "Infinity", {}])
def test_what_is_no_amount_is_refused(nonsense: object) -> None:
    with pytest.raises(ValueError, match="money"):
        to_cents(nonsense)


@pytest.mark.parametrize("absurd", [10_000_000, -10_000_000, "1e7", 1e300])
def test_an_amount_from_ten_million_dollars_on_is_refused_whatever_its_sign(
    absurd: object,
) -> None:
    with pytest.raises(ValueError, match="money"):
        to_cents(absurd)


def test_an_amount_just_below_ten_million_dollars_is_believed() -> None:
    assert to_cents("9999999.99") == 999_999_999
    assert to_cents("-9999999.99") == -999_999_999


@pytest.mark.parametrize(
    ("dollars", "cents"),
    [
        (0.0, 0),
        (39.55, 3955),
        (0.1 + 0.2, 30),
        (0.005, 1),
        (0.0149, 1),
        (1.005, 101),
        (-0.005, -1),
        (12_345_678.9, 1_234_567_890),
    ],
)
def test_a_sum_of_stored_amounts_is_rounded_half_up_to_cents(dollars: float, cents: int) -> None:
    assert sum_to_cents(dollars) == cents


@given(st.lists(st.integers(-10_000_000, 10_000_000), max_size=200))
def test_a_sum_that_was_made_in_doubles_is_the_exact_one(amounts: list[int]) -> None:
    assert sum_to_cents(sum(map(to_dollars, amounts))) == sum(amounts)


@given(st.integers(-999_999_999, 999_999_999))
def test_cents_survive_the_way_to_firestore_and_back(cents: int) -> None:
    assert to_cents(to_dollars(cents)) == cents


def test_an_average_over_nothing_is_nothing() -> None:
    assert average_cents(500, 0) == 0
    assert average_cents(-25, 2) == -13
