"""The recount of a verification agrees with what spending computes, and shares nothing with it."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.segmentation import segment_of
from shared.domain.spending import OrderFact, fold
from shared.services.verification import recount
from shared.services.verification.recount import (
    Figures,
    Money,
    count,
    since_epoch,
    together,
)

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)

facts = st.builds(
    OrderFact,
    status=st.sampled_from(["completed", "ready", "pending", "cancelled", "", None]),
    type=st.sampled_from(["in_store", "delivery", None]),
    total_cents=st.integers(-50_000, 90_000),
    created_at=st.timedeltas(timedelta(0), timedelta(days=190)).map(lambda ago: NOW - ago),
)


def money(fact: OrderFact) -> Money:
    at = since_epoch(fact.created_at)
    return Money(fact.total_cents, at, fact.status, fact.type == "in_store")


def figures(orders: list[OrderFact]) -> Figures:
    spent = fold(orders)
    first, last = (
        None if at is None else since_epoch(at)
        for at in (spent.first_order_at, spent.last_order_at)
    )
    return Figures(spent.total_cents, spent.order_count, spent.average_cents, first, last)


def test_it_imports_nothing_of_spending_or_segmentation() -> None:
    tree = ast.parse(Path(recount.__file__).read_text())
    imported = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not [each for each in imported if each.startswith("shared")]


@given(st.lists(facts, max_size=30))
def test_it_counts_what_spending_counts(orders: list[OrderFact]) -> None:
    assert count(map(money, orders)) == figures(orders)


@given(st.lists(facts, max_size=12), st.lists(facts, max_size=12))
def test_the_figures_of_two_together_are_those_of_all_their_orders(
    one: list[OrderFact], other: list[OrderFact]
) -> None:
    parts = count(map(money, one)), count(map(money, other))
    assert together(parts) == figures([*one, *other])


@given(st.lists(facts, max_size=30))
def test_it_finds_the_segment_that_segmentation_finds(orders: list[OrderFact]) -> None:
    spent = fold(orders)
    expected = segment_of(
        order_count=spent.order_count,
        spent_cents=spent.total_cents,
        last_order_at=spent.last_order_at,
        now=NOW,
    )
    assert recount.segments(figures(orders), NOW)[0] == expected.segment.value


def test_a_segment_may_still_be_that_of_the_day_before() -> None:
    last = since_epoch(NOW - timedelta(days=46))
    assert recount.segments(Figures(10_00, 1, 10_00, last, last), NOW) == ("at_risk", "new")
