"""Batches, and which of them are worth a look-up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.inventory import (
    BATCH_DETAIL_TTL,
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


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (STOCK, False),
        (replace(STOCK, expires_on=None), True),
        (replace(STOCK, expires_on=None, quantity=Decimal(0)), False),
        (replace(STOCK, expires_on="2026-04-17"), True),
        (replace(STOCK, expires_on="2026-04-18"), False),
        (replace(STOCK, expires_on="2026-03-01"), True),
        (replace(STOCK, expires_on="2026-03-20", package_tag="1A4"), False),
        (
            replace(
                STOCK, expires_on=None, looked_up_at=NOW - BATCH_DETAIL_TTL + timedelta(seconds=1)
            ),
            False,
        ),
        (replace(STOCK, expires_on=None, looked_up_at=NOW - BATCH_DETAIL_TTL), True),
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
    rows = [ROW, replace(ROW, date_expire=None), replace(ROW, date_expire=None, batch_id=None)]
    found = [row.date_expire for row in with_known_expiry(rows, {"1001": "2026-05-05"})]
    assert found == ["2026-07-01", "2026-05-05", None]


def test_an_item_that_lacks_a_batch_it_had_is_only_a_part_of_itself() -> None:
    before = [STOCK, replace(STOCK, batch_id="1002"), replace(STOCK, batch_id="7", item_id="x")]
    assert items_missing_batches(before, before) == set()
    assert items_missing_batches(before, before[:2]) == {"x"}
    assert items_missing_batches(before, before[1:]) == {"2001"}
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
