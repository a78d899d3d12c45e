"""Points, tiers, ledger and reconciliation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.loyalty import (
    DEFAULT_TIERS,
    LoyaltyRules,
    ProviderAnswer,
    ProviderStatus,
    Tier,
    TierSource,
    ledger_of,
    points_from_orders,
    reconcile,
    tier_of,
)
from shared.domain.spending import OrderFact, fold
from shared.errors import ConfigurationInvalid

RULES = LoyaltyRules()
START = datetime(2026, 1, 1, tzinfo=UTC)


def order(cents: int, minutes: int = 0, status: str = "completed") -> OrderFact:
    return OrderFact(status, "in_store", cents, START + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("cents", "equity", "points", "tier"),
    [
        (3955, False, 40, "bronze"),
        (49_950, False, 500, "silver"),
        (49_949, False, 499, "bronze"),
        (99_950, False, 1000, "gold"),
        (50, False, 1, "bronze"),
        (49, False, 0, "bronze"),
        (0, False, 0, "bronze"),
        (-5000, False, 0, "bronze"),
        (10_000, True, 120, "bronze"),
        (3955, True, 47, "bronze"),
        (41_667, True, 500, "silver"),
    ],
)
def test_points_are_spending_half_up_and_give_a_tier(
    cents: int, equity: bool, points: int, tier: str
) -> None:
    # When
    given_points = points_from_orders(cents, RULES, social_equity=equity)
    reached = tier_of(given_points, RULES.tiers)
    # Then
    assert given_points == points
    assert reached is not None
    assert reached.id == tier


def test_an_org_sets_its_own_points_multiplier_and_tiers() -> None:
    # Given: tiers in no order, none at 0
    tiers = (Tier("platinum", "Platinum", 2000, "#EEE"), Tier("member", "Member", 100, "#111"))
    rules = LoyaltyRules(Decimal("2.5"), Decimal("1.5"), tiers)
    # When / Then
    assert points_from_orders(10_000, rules, social_equity=False) == 250
    assert points_from_orders(10_000, rules, social_equity=True) == 375
    assert tier_of(99, tiers) is None
    assert tier_of(100, tiers) == tiers[1]
    assert tier_of(2000, tiers) == tiers[0]


@pytest.mark.parametrize(
    ("points", "tier"),
    [
        (-1, None),
        (0, "bronze"),
        (499, "bronze"),
        (500, "silver"),
        (999, "silver"),
        (1000, "gold"),
        (10**6, "gold"),
    ],
)
def test_a_tier_is_reached_at_its_threshold(points: int, tier: str | None) -> None:
    # When
    reached = tier_of(points, DEFAULT_TIERS)
    # Then
    assert (reached.id if reached else None) == tier


def test_of_two_tiers_with_one_threshold_the_same_is_reached_in_whatever_order() -> None:
    # Given
    tiers = (Tier("a", "A", 100, "#111"), Tier("b", "B", 100, "#222"))
    # When / Then
    assert tier_of(100, tiers) == tier_of(100, tiers[::-1]) == tiers[1]


@pytest.mark.parametrize(("cents", "points"), [(-1, 0), (0, 0), (1, 1), (2, 2)])
def test_not_a_cent_given_back_takes_points_however_many_a_dollar_gives(
    cents: int, points: int
) -> None:
    # Given: a point for each cent
    rules = LoyaltyRules(points_per_dollar=Decimal(100))
    # When / Then
    assert points_from_orders(cents, rules, social_equity=False) == points


@pytest.mark.parametrize("number", ["-1", "NaN", "Infinity"])
def test_rules_that_make_no_sense_are_the_orgs_to_correct(number: str) -> None:
    # Given / When / Then
    with pytest.raises(ConfigurationInvalid):
        replace(RULES, points_per_dollar=Decimal(number))


def test_the_ledger_says_what_each_order_gave_or_took() -> None:
    # Given: halves that add up, a refund, an order that does not count; told in no order
    orders = {
        "alleaves_3": order(-3955, 30),
        "alleaves_1": order(1050, 10),
        "alleaves_2": order(3955, 20),
        "alleaves_4": order(9900, 40, status="cancelled"),
        "alleaves_5": order(1050, 50),
    }
    # When
    entries = ledger_of(orders, RULES, social_equity=False)
    # Then
    assert [(e.id, e.points, e.balance) for e in entries] == [
        ("alleaves_1", 11, 11),
        ("alleaves_2", 39, 50),
        ("alleaves_3", -39, 11),
        ("alleaves_5", 10, 21),
    ]
    assert [(e.at, e.total_cents) for e in entries] == [
        (orders[e.id].created_at, orders[e.id].total_cents) for e in entries
    ]


def test_a_refund_of_what_is_not_stored_takes_nothing_below_0() -> None:
    # Given: the refunded order is older than the stored ones
    orders = {"a": order(-5000, 1), "b": order(3000, 2), "c": order(3000, 3)}
    # When
    entries = ledger_of(orders, RULES, social_equity=False)
    # Then: what is spent first makes up for the refund
    assert [e.points for e in entries] == [0, 0, 10]


order_books = st.dictionaries(
    st.text(min_size=1, max_size=4),
    st.builds(
        order,
        st.integers(-50_000, 50_000),
        st.integers(0, 20),
        st.sampled_from(["completed", "ready", "pending", "cancelled", ""]),
    ),
    max_size=12,
)
rules = st.builds(
    LoyaltyRules,
    st.decimals(Decimal(0), Decimal(10), places=2),
    st.decimals(Decimal(1), Decimal(2), places=2),
)


@given(order_books, rules, st.booleans())
def test_the_ledger_adds_up_to_the_points_from_orders(
    orders: dict[str, OrderFact], own: LoyaltyRules, equity: bool
) -> None:
    # Given
    spent = fold(orders.values()).total_cents
    backwards = dict(reversed(orders.items()))
    # When
    entries = ledger_of(orders, own, social_equity=equity)
    # Then
    expected = points_from_orders(spent, own, social_equity=equity)
    assert sum(entry.points for entry in entries) == expected
    assert all(entry.balance >= 0 for entry in entries)
    assert ledger_of(backwards, own, social_equity=equity) == entries


@given(st.integers(-(10**9), 10**9), rules, st.booleans())
def test_points_are_the_exact_product_rounded_once(
    cents: int, own: LoyaltyRules, equity: bool
) -> None:
    # Given
    factor = Fraction(own.points_per_dollar) * Fraction(own.equity_multiplier if equity else 1)
    # When / Then
    points = points_from_orders(cents, own, social_equity=equity)
    assert points == max(0, floor(Fraction(cents, 100) * factor + Fraction(1, 2)))


@pytest.mark.parametrize(
    ("orders", "alpine", "needs_review"),
    [
        (450, 475, False),
        (500, 500, False),
        (90, 100, False),
        (110, 100, False),
        (89, 100, True),
        (111, 100, True),
        (1100, 1000, False),
        (1101, 1000, True),
        (11, 10, False),
        (12, 10, True),
        (9, 10, False),
        (8, 10, True),
        (1, 2, True),
        (0, 1, True),
        (0, 10, True),
        (0, 0, False),
        (1, 0, True),
        (10, 0, True),
        (500, 0, True),
    ],
)
def test_over_10_percent_of_alpine_iqs_figure_needs_review_however_few_points_that_are(
    orders: int, alpine: int, needs_review: bool
) -> None:
    # When
    result = reconcile(orders, ProviderAnswer(ProviderStatus.FOUND, alpine, "123"), RULES)
    # Then: Alpine IQ's figure wins either way
    assert (result.needs_review, result.reconciled) == (needs_review, not needs_review)
    assert (result.points, result.points_from_provider) == (alpine, alpine)
    assert result.points_from_orders == orders
    assert result.discrepancy == abs(orders - alpine)
    assert result.tier_source is TierSource.PROVIDER
    assert result.provider_user_id == "123"


@pytest.mark.parametrize("status", [s for s in ProviderStatus if s is not ProviderStatus.FOUND])
def test_without_a_figure_of_alpine_iq_the_calculated_one_stands_and_says_so(
    status: ProviderStatus,
) -> None:
    # Given: a hidden wallet always shows 0 points
    answer = ProviderAnswer(status, 0 if status is ProviderStatus.HIDDEN else None)
    # When
    result = reconcile(500, answer, RULES)
    # Then
    assert (result.points, result.points_from_provider) == (500, None)
    assert (result.reconciled, result.needs_review, result.discrepancy) == (False, False, 0)
    assert result.tier == DEFAULT_TIERS[1]
    assert (result.tier_source, result.provider_status) == (TierSource.CALCULATED, status)


def test_an_org_sets_its_own_threshold() -> None:
    # Given
    strict = replace(RULES, discrepancy_threshold=Decimal("0.05"))
    # When / Then
    assert reconcile(450, ProviderAnswer(ProviderStatus.FOUND, 475), strict).needs_review


def test_a_figure_of_alpine_iq_below_0_is_as_large_as_it_is_without_its_sign() -> None:
    # Given: an org that lets the figures differ by twice Alpine IQ's
    rules = replace(RULES, discrepancy_threshold=Decimal(2))
    # When / Then
    assert not reconcile(100, ProviderAnswer(ProviderStatus.FOUND, -100), rules).needs_review
    assert reconcile(101, ProviderAnswer(ProviderStatus.FOUND, -100), rules).needs_review
