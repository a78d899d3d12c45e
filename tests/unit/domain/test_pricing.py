"""The price cascade and the markups."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pricing import (
    CASCADE,
    HIGHEST_PRICE_CENTS,
    MARKUPS,
    Price,
    PriceSource,
    believable,
    listed_price,
    markup_for,
    markup_price,
)

cents = st.one_of(st.none(), st.integers(-(10**12), 10**12))


@pytest.mark.parametrize(
    ("first_given", "expected"),
    [
        (0, Price(100, PriceSource.OTD)),
        (1, Price(101, PriceSource.OTD)),
        (2, Price(102, PriceSource.OTD)),
        (3, Price(103, PriceSource.RETAIL)),
        (4, Price(104, PriceSource.RETAIL)),
        (5, Price(105, PriceSource.RETAIL)),
    ],
)
def test_each_rung_of_the_cascade_wins_over_those_below(first_given: int, expected: Price) -> None:
    # Given: prices on this rung and on every lower one; 0, nothing or a negative above
    empty = (0, None, -500)
    prices = {
        field: 100 + rung if rung >= first_given else empty[rung % 3]
        for rung, field in enumerate(CASCADE)
    }
    # When / Then
    assert listed_price(prices) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (None, False),
        (-1, False),
        (0, False),
        (1, True),
        (HIGHEST_PRICE_CENTS, True),
        (HIGHEST_PRICE_CENTS + 1, False),
    ],
)
def test_a_price_is_believable_from_a_cent_up_to_the_highest(
    amount: int | None, expected: bool
) -> None:
    # Given / When / Then
    assert believable(amount) is expected


def test_no_price_at_all_is_no_price() -> None:
    # Given / When / Then
    assert listed_price({}) is None
    assert listed_price(dict.fromkeys(CASCADE, 0)) is None


@given(st.fixed_dictionaries(dict.fromkeys(CASCADE, cents)))
def test_a_listed_price_is_always_believable_and_the_first_such(
    prices: dict[str, int | None],
) -> None:
    # When
    price = listed_price(prices)
    # Then
    believable = [v for f in CASCADE if (v := prices[f]) is not None and 0 < v <= 10_000_000]
    assert (price.cents if price else None) == (believable[0] if believable else None)


@pytest.mark.parametrize(
    ("category", "subcategory", "factor"),
    [
        ("Flower", None, "2.2"),
        ("Flower", "Eighths", "2.2"),
        ("Vapes", None, "2.0"),
        ("Concentrates", None, "2.0"),
        ("Edibles", None, "2.3"),
        ("Pre Rolls", None, "2.1"),
        ("PRE-ROLLS", None, "2.1"),
        ("Prerolls", None, "2.1"),
        ("Beverages", None, "2.4"),
        ("Tinctures", None, "2.3"),
        ("Topicals", None, "2.3"),
        ("Accessories", None, "2.2"),
        ("Uncategorized", None, "2.2"),
        ("Cannabis", "Beverages", "2.4"),
    ],
)
def test_the_markup_follows_the_category(
    category: str, subcategory: str | None, factor: str
) -> None:
    # Given / When / Then
    assert markup_for(category, subcategory) == Decimal(factor)


def test_an_org_overrides_a_markup_adds_one_and_sets_the_default() -> None:
    # Given
    own = {
        "Flower": Decimal(3),
        "pre_roll": Decimal(4),
        "gear": Decimal("1.5"),
        "default": Decimal(5),
    }
    # When / Then
    assert markup_for("Flower", None, own) == 3
    assert markup_for("Pre-Rolls", None, own) == 4
    assert markup_for("Smoking Gear", None, own) == Decimal("1.5")
    assert markup_for("Books", None, own) == 5
    assert markup_for("Vapes", None, own) == MARKUPS["vape"]


def test_an_orgs_default_is_for_what_no_word_matches_only() -> None:
    # Given
    own = {"default": Decimal(5)}
    # When / Then
    assert {word: markup_for(word, None, own) for word in MARKUPS} == MARKUPS


OWN_WORDS = ("alpha", "bravo", "delta", "alphabravo", "deltaecho", "echo")


@given(st.sets(st.sampled_from(OWN_WORDS), min_size=1))
def test_of_an_orgs_own_words_the_longest_decides_and_of_equal_ones_the_first_by_name(
    words: set[str],
) -> None:
    # Given a factor for each, and a category that all of them are in
    own = {word: Decimal(OWN_WORDS.index(word) + 1) for word in words}
    # When
    factor = markup_for("Alpha Bravo, Delta Echo", None, own)
    # Then
    longest = max(len(word) for word in words)
    assert factor == own[min(word for word in words if len(word) == longest)]


def test_an_orgs_own_words_go_before_ours() -> None:
    # Given / When / Then
    assert markup_for("Vape Carts", None, {"cart": Decimal(7)}) == 7
    assert markup_for("Flower Gear", None, {"flower": Decimal(3), "gear": Decimal(7)}) == 7


@pytest.mark.parametrize("key", ["", " - ", "3.5"])
def test_a_key_without_a_letter_matches_nothing(key: str) -> None:
    # Given / When / Then
    assert markup_for("Vapes", "3.5", {key: Decimal(9)}) == MARKUPS["vape"]


@pytest.mark.parametrize(
    ("cost", "factor", "price"),
    [
        (1000, "2.2", 2200),
        (1025, "2.1", 2153),
        (5, "2.3", 12),
        (0, "2.2", None),
        (None, "2.2", None),
        (-1000, "-2.2", None),
        (HIGHEST_PRICE_CENTS, "1", HIGHEST_PRICE_CENTS),
        (HIGHEST_PRICE_CENTS, "1.1", None),
        (HIGHEST_PRICE_CENTS + 2, "0.5", None),
    ],
)
def test_a_marked_up_price_is_rounded_half_up(
    cost: int | None, factor: str, price: int | None
) -> None:
    # When
    result = markup_price(cost, Decimal(factor))
    # Then
    assert result == (Price(price, PriceSource.MARKUP) if price else None)


@given(cents, st.decimals(Decimal(-10), Decimal(100), places=2))
def test_a_marked_up_price_is_never_negative_or_absurd(cost: int | None, factor: Decimal) -> None:
    # When
    price = markup_price(cost, factor)
    # Then
    assert price is None or 0 < price.cents <= HIGHEST_PRICE_CENTS
