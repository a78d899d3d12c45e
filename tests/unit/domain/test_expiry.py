"""Stock about to expire."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.inventory import (
    ExpiringBatch,
    InventoryRow,
    clearance_price,
    expiring,
    without_expired,
)

TODAY = date(2026, 6, 15)
BATCH = ExpiringBatch("2001", "1001", "1000", "Sample Vape 1g", Decimal(10), TODAY, 1100, 3955)


def due(
    days: int,
    batch_id: str = "1001",
    quantity: Decimal = BATCH.quantity,
    cost_cents: int | None = BATCH.cost_cents,
    price_cents: int | None = BATCH.price_cents,
) -> ExpiringBatch:
    return replace(
        BATCH,
        expires_on=TODAY + timedelta(days=days),
        batch_id=batch_id,
        quantity=quantity,
        cost_cents=cost_cents,
        price_cents=price_cents,
    )


@pytest.mark.parametrize(
    ("days_left", "price"),
    [(-1, None), (0, 1978), (7, 1978), (8, 2571), (14, 2571), (15, 3164), (30, 3164), (31, 3560)],
)
def test_the_clearance_price_falls_as_the_last_day_comes_near(
    days_left: int, price: int | None
) -> None:
    # Given / When / Then
    assert clearance_price(3955, 1100, days_left) == price


@pytest.mark.parametrize(
    ("price", "cost", "expected"),
    [
        (1000, 600, 600),
        (1000, 999, 999),
        (1000, None, 500),
        (1005, None, 503),
        (1000, 1000, None),
        (1000, 1200, None),
    ],
)
def test_the_clearance_price_is_never_below_cost_and_always_below_the_price(
    price: int, cost: int | None, expected: int | None
) -> None:
    # Given / When / Then
    assert clearance_price(price, cost, 3) == expected


def test_the_most_urgent_batch_comes_first_then_the_dearest() -> None:
    # Given
    batches = [
        due(30, batch_id="1"),
        due(31, batch_id="2"),
        due(5, batch_id="3"),
        due(5, batch_id="4", quantity=Decimal("10.5")),
        due(-2, batch_id="5"),
        due(1, batch_id="6", quantity=Decimal("0.9")),
    ]
    # When
    found = expiring(batches, today=TODAY, within_days=30, min_quantity=Decimal(1))
    # Then: expired stock is shown, with no price to sell it for
    assert [(e.batch.batch_id, e.days_left, e.cost_at_risk_cents) for e in found] == [
        ("5", -2, 11_000),
        ("4", 5, 11_550),
        ("3", 5, 11_000),
        ("1", 30, 11_000),
    ]
    assert [e.clearance_price_cents for e in found] == [None, 1978, 1978, 3164]


@pytest.mark.parametrize(
    ("quantity", "days", "listed"),
    [
        ("1", 30, True),
        ("0.99", 30, False),
        ("1", 31, False),
    ],
)
def test_a_batch_is_listed_from_the_least_quantity_on_and_up_to_the_last_day(
    quantity: str, days: int, listed: bool
) -> None:
    # When
    found = expiring(
        [due(days, quantity=Decimal(quantity))],
        today=TODAY,
        within_days=30,
        min_quantity=Decimal(1),
    )
    # Then
    assert bool(found) is listed


@pytest.mark.parametrize("costs", [(None, 0, None), (0, None, 0)])
def test_an_unknown_cost_stands_with_those_that_risk_nothing(
    costs: tuple[int | None, ...],
) -> None:
    # Given: batches of one day, one of which cost something
    batches = [due(5, batch_id=str(n), cost_cents=cost) for n, cost in enumerate((*costs, 1))]
    # When
    found = expiring(batches, today=TODAY, within_days=30, min_quantity=Decimal(1))
    # Then: the others come by their ids
    assert [e.batch.batch_id for e in found] == ["3", "0", "1", "2"]


def test_equally_urgent_batches_come_by_product_then_batch_then_location() -> None:
    # Given
    batches = [
        replace(due(5, batch_id=batch), item_id=item, location_id=location)
        for item in ("10", "9")
        for batch in ("8", "7")
        for location in ("1000", "999")
    ]
    # When
    found = expiring(batches, today=TODAY, within_days=30, min_quantity=Decimal(1))
    # Then: numbers read as numbers
    assert [(e.batch.item_id, e.batch.batch_id, e.batch.location_id) for e in found] == [
        ("9", "7", "999"),
        ("9", "7", "1000"),
        ("9", "8", "999"),
        ("9", "8", "1000"),
        ("10", "7", "999"),
        ("10", "7", "1000"),
        ("10", "8", "999"),
        ("10", "8", "1000"),
    ]


def test_unknown_cost_and_price_stay_unknown() -> None:
    # Given / When
    (found,) = expiring(
        [due(5, cost_cents=None, price_cents=None)],
        today=TODAY,
        within_days=30,
        min_quantity=Decimal(1),
    )
    # Then
    assert (found.cost_at_risk_cents, found.clearance_price_cents) == (None, None)


@pytest.mark.parametrize(
    ("expires", "sellable"), [("2026-06-14", False), ("2026-06-15", True), (None, True)]
)
def test_expired_stock_is_never_sellable(expires: str | None, sellable: bool) -> None:
    # Given
    row = InventoryRow(
        item_id="2001",
        batch_id="1001",
        location_id="1000",
        name="Sample Vape 1g",
        brand=None,
        vendor=None,
        category_path="Category > Vapes",
        strain=None,
        on_hand=Decimal(1),
        available=Decimal(1),
        sellable=True,
        prices=(),
        cost_cents=None,
        batch_cost_cents=None,
        thc_percent=None,
        cbd_percent=None,
        date_expire=expires,
    )
    # When
    (result,) = without_expired([row], TODAY)
    # Then
    assert result == replace(row, sellable=sellable)


@given(
    st.lists(
        st.builds(
            due,
            st.integers(-5, 40),
            batch_id=st.integers(0, 99).map(str),
            quantity=st.decimals(Decimal(0), Decimal(50), places=2),
            cost_cents=st.none() | st.integers(0, 5000),
            price_cents=st.none() | st.integers(1, 5000),
        ),
        unique_by=lambda batch: batch.batch_id,
        max_size=15,
    ),
    st.integers(0, 35),
    st.randoms(),
)
def test_batches_are_found_whatever_their_order_and_priced_between_cost_and_price(
    batches: list[ExpiringBatch], within_days: int, random: Random
) -> None:
    # Given
    shuffled = list(batches)
    random.shuffle(shuffled)
    # When
    found = expiring(shuffled, today=TODAY, within_days=within_days, min_quantity=Decimal(1))
    # Then
    assert found == expiring(batches, today=TODAY, within_days=within_days, min_quantity=Decimal(1))
    assert [e.days_left for e in found] == sorted(e.days_left for e in found)
    for entry in found:
        assert entry.days_left <= within_days
        price = entry.clearance_price_cents
        if price is not None:
            assert entry.days_left >= 0
            assert (entry.batch.cost_cents or 0) <= price < (entry.batch.price_cents or 0)
