"""Batches, and which of them are worth a look-up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.inventory import (
    BatchDetail,
    BatchStock,
    InventoryRow,
    batches_in,
    batches_to_look_up,
    items_missing_batches,
    with_known_expiry,
)
from tests.unit.domain.test_catalogue import ROW

TODAY = date(2026, 3, 18)
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
KEPT = timedelta(hours=24)
STOCK = BatchStock(
    batch_id="1001",
    location_id="1000",
    item_id="2001",
    quantity=Decimal(5),
    cost_cents=400,
    vendor=None,
    expires_on="2027-01-01",
    received_on=None,
    package_tag=None,
)


def wanted(*batches: BatchStock, limit: int = 100) -> list[str]:
    return batches_to_look_up(batches, today=TODAY, now=NOW, limit=limit)


def test_a_batch_is_what_its_rows_of_a_location_say_together() -> None:
    # Given a batch in two areas, one of them damaged, and the same batch elsewhere
    rows = [
        replace(ROW, available=Decimal(3), batch_cost_cents=390, package_tag="1A4"),
        replace(ROW, available=Decimal(2), date_expire="2026-06-01", batch_cost_cents=390),
        replace(ROW, available=Decimal(9), sellable=False, batch_cost_cents=390),
        replace(ROW, location_id="1001", available=Decimal(1)),
        replace(ROW, batch_id=None),
    ]

    # When
    here, there = batches_in(rows)

    # Then
    assert (here.batch_id, here.location_id, there.location_id) == ("1001", "1000", "1001")
    assert here.quantity == 5
    assert (here.expires_on, here.package_tag, here.cost_cents) == ("2026-06-01", "1A4", 390)
    assert there.cost_cents == 1100, "the item's cost where the batch has none"


def test_batches_come_in_the_natural_order_of_their_ids_then_of_their_locations() -> None:
    rows = [
        replace(ROW, batch_id=batch, location_id=location)
        for batch in ("10", "9")
        for location in ("1000", "999")
    ]
    assert [(batch.batch_id, batch.location_id) for batch in batches_in(rows)] == [
        ("9", "999"),
        ("9", "1000"),
        ("10", "999"),
        ("10", "1000"),
    ]


def test_a_batch_is_told_by_those_of_its_rows_that_tell_anything() -> None:
    # Given a row that tells nothing, and two that differ
    silent = replace(
        ROW, name="A", vendor=None, date_expire=None, date_received=None, package_tag=None
    )
    told = replace(
        ROW, vendor="V", date_expire="2026-07-02", date_received="2026-01-02", package_tag="1A4"
    )
    other = replace(told, date_expire="2026-07-01", date_received="2026-01-01")

    for rows in ([silent, told, other], [other, told, silent]):
        (batch,) = batches_in(rows)

        # Then the earliest dates count
        assert (batch.vendor, batch.package_tag) == ("V", "1A4")
        assert (batch.expires_on, batch.received_on) == ("2026-07-01", "2026-01-01")

    (unknown,) = batches_in([silent])
    assert (unknown.vendor, unknown.package_tag) == (None, None)
    assert (unknown.expires_on, unknown.received_on) == (None, None)


def test_rows_that_contradict_each_other_make_one_batch_whichever_comes_first() -> None:
    rows = [
        replace(ROW, package_tag=tag, vendor=vendor, batch_cost_cents=cost)
        for tag, vendor, cost in (("1A4", "V", 390), ("1A5", "W", 380))
    ]
    assert batches_in(rows) == batches_in(rows[::-1])


@pytest.mark.parametrize(
    ("batch_cost", "item_cost", "cost"),
    [
        (390, 1100, 390),
        (1, 1100, 1),
        (0, 1100, 1100),
        (None, 1100, 1100),
        (-5, 1100, 1100),
        (0, 0, None),
        (None, None, None),
    ],
)
def test_a_unit_costs_what_the_batch_cost_else_what_the_item_costs_and_never_nothing(
    batch_cost: int | None, item_cost: int | None, cost: int | None
) -> None:
    (batch,) = batches_in([replace(ROW, batch_cost_cents=batch_cost, cost_cents=item_cost)])
    assert batch.cost_cents == cost


@pytest.mark.parametrize(("available", "quantity"), [("-3", "0"), ("0", "0"), ("0.5", "0.5")])
def test_a_batch_that_was_sold_below_zero_holds_nothing(available: str, quantity: str) -> None:
    (batch,) = batches_in([replace(ROW, available=Decimal(available))])
    assert batch.quantity == Decimal(quantity)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (STOCK, False),
        (replace(STOCK, expires_on=None), True),
        (replace(STOCK, expires_on=None, quantity=Decimal("0.5")), True),
        (replace(STOCK, expires_on=None, quantity=Decimal(0)), False),
        (replace(STOCK, expires_on="2026-04-17"), True),
        (replace(STOCK, expires_on="2026-04-18"), False),
        (replace(STOCK, expires_on="2026-03-01"), True),
        (replace(STOCK, expires_on="2026-03-20", package_tag="1A4"), False),
        (replace(STOCK, expires_on=None, looked_up_at=NOW - KEPT + timedelta(seconds=1)), False),
        (replace(STOCK, expires_on=None, looked_up_at=NOW - KEPT), True),
    ],
)
def test_a_look_up_is_for_what_a_person_needs_and_nobody_knows(
    batch: BatchStock, expected: bool
) -> None:
    assert wanted(batch) == (["1001"] if expected else [])


def test_those_of_unknown_expiry_come_first_then_the_most_urgent() -> None:
    batches = [
        replace(STOCK, batch_id="1", expires_on="2026-04-01"),
        replace(STOCK, batch_id="2", expires_on="2026-03-20"),
        replace(STOCK, batch_id="10", expires_on=None),
        replace(STOCK, batch_id="9", expires_on=None),
    ]
    assert wanted(*batches) == ["9", "10", "2", "1"]
    assert wanted(*batches, limit=2) == ["9", "10"]
    assert wanted(*batches, limit=0) == []


def test_the_stock_list_has_the_last_word_on_expiry() -> None:
    detail = BatchDetail(expires_on="2026-05-05", package_tag="looked up")
    told = replace(STOCK, detail=detail)
    silent = replace(told, expires_on=None)
    assert (told.last_day, silent.last_day) == ("2027-01-01", "2026-05-05")
    assert told.tag == "looked up"
    assert replace(told, package_tag="on the stock list").tag == "on the stock list"
    rows = [ROW, replace(ROW, date_expire=None), replace(ROW, date_expire=None, batch_id=None)]
    found = [row.date_expire for row in with_known_expiry(rows, {"1001": "2026-05-05"})]
    assert found == ["2026-07-01", "2026-05-05", None]


def test_an_item_that_lacks_a_batch_it_had_is_only_a_part_of_itself() -> None:
    before = [STOCK, replace(STOCK, batch_id="1002"), replace(STOCK, batch_id="7", item_id="x")]
    assert items_missing_batches(before, before) == set()
    assert items_missing_batches(before, before[:2]) == {"x"}
    assert items_missing_batches(before, before[1:]) == {"2001"}
    little = [replace(batch, quantity=Decimal("0.5")) for batch in before]
    assert items_missing_batches(little, []) == {"2001", "x"}
    elsewhere = [replace(batch, location_id="1001") for batch in before]
    assert items_missing_batches(before, elsewhere) == {"2001", "x"}
    empty = [replace(batch, quantity=Decimal(0)) for batch in before]
    assert items_missing_batches(empty, []) == set()


rows = st.lists(
    st.builds(
        lambda batch, location, available, sellable: replace(
            ROW, batch_id=batch, location_id=location, available=available, sellable=sellable
        ),
        st.sampled_from([None, "1", "2"]),
        st.sampled_from(["1000", "1001"]),
        st.decimals(Decimal(-5), Decimal(20), places=1),
        st.booleans(),
    ),
    max_size=8,
)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_never_matters(listed: list[InventoryRow], random: Random) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)
    found = batches_in(listed)
    assert batches_in(shuffled) == found
    assert all(batch.quantity >= 0 for batch in found)
