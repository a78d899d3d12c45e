"""Spending as a fold: what counts, and that no order of arrival matters."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.spending import OrderFact, Spending, counts, fold

DAY = datetime(2026, 3, 1, tzinfo=UTC)

facts = st.builds(
    OrderFact,
    status=st.sampled_from(["completed", "ready", "pending", "cancelled", None, ""]),
    type=st.sampled_from(["in_store", "delivery", "pickup", None]),
    total_cents=st.integers(-50_000, 50_000),
    created_at=st.integers(0, 500).map(lambda days: DAY + timedelta(days=days)),
)


@pytest.mark.parametrize(
    ("status", "order_type", "counted"),
    [
        ("completed", "delivery", True),
        ("ready", "pickup", True),
        ("pending", "in_store", False),
        ("submitted", "delivery", False),
        ("confirmed", "delivery", False),
        ("preparing", "pickup", False),
        ("cancelled", "in_store", False),
        ("voided", "in_store", False),
        (None, "in_store", True),
        ("", "in_store", True),
        (None, "delivery", False),
    ],
)
def test_only_money_that_was_taken_counts(
    status: str | None, order_type: str, counted: bool
) -> None:
    assert counts(status, order_type) is counted


def test_a_refund_lowers_the_total_and_is_no_order() -> None:
    sale = OrderFact("completed", "in_store", 50_00, DAY)
    refund = OrderFact("completed", "in_store", -20_00, DAY + timedelta(days=2))
    spent = fold([sale, refund])
    assert spent == Spending(30_00, 1, first_order_at=DAY, last_order_at=DAY)
    assert spent.average_cents == 30_00


def test_an_order_that_cost_nothing_is_an_order_and_one_cent_given_back_is_none() -> None:
    free = OrderFact("completed", "in_store", 0, DAY)
    refund = OrderFact("completed", "in_store", -1, DAY + timedelta(days=1))
    assert fold([free]) == Spending(0, 1, first_order_at=DAY, last_order_at=DAY)
    assert fold([refund]) == Spending(-1, 0)


def test_the_first_and_the_last_order_are_the_oldest_and_the_newest_that_count() -> None:
    # Given orders of five days, of which the first and the last are no spending
    orders = [
        OrderFact(status, order_type, 10_00, DAY + timedelta(days=days))
        for days, (status, order_type) in enumerate(
            [
                ("cancelled", "in_store"),
                ("completed", "delivery"),
                ("ready", "pickup"),
                (None, "in_store"),
                (None, "delivery"),
            ]
        )
    ]

    spent = fold(orders)

    assert spent == Spending(
        30_00,
        3,
        first_order_at=DAY + timedelta(days=1),
        last_order_at=DAY + timedelta(days=3),
    )


def test_averages_are_rounded_half_up() -> None:
    orders = [OrderFact("completed", "in_store", cents, DAY) for cents in (10, 15)]
    assert fold(orders).average_cents == 13


@given(st.lists(facts), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(orders: list[OrderFact], random: Random) -> None:
    shuffled = list(orders)
    random.shuffle(shuffled)
    assert fold(shuffled) == fold(orders)


@given(st.lists(facts), st.lists(facts))
def test_two_records_of_a_person_add_up_to_the_fold_of_both(
    ours: list[OrderFact], theirs: list[OrderFact]
) -> None:
    assert fold(ours) + fold(theirs) == fold(ours + theirs)
