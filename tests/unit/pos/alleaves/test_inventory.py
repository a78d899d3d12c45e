"""Stock rows of Alleaves as domain records."""

from decimal import Decimal
from typing import Any

import pytest

from shared.domain.inventory import InventoryRow
from shared.pos.alleaves.catalogue import to_inventory_row
from shared.pos.port import Rejected
from tests.unit.pos.alleaves.rows import stock, without


def mapped(row: object) -> InventoryRow:
    record = to_inventory_row(row, "1000")
    assert isinstance(record, InventoryRow)
    return record


def refused(row: object) -> Rejected:
    record = to_inventory_row(row, "1000")
    assert isinstance(record, Rejected)
    return record


def test_a_row_with_the_real_keys() -> None:
    assert mapped(stock()) == InventoryRow(
        item_id="2001",
        batch_id="1001",
        location_id="1000",
        name="Sample Vape 1g",
        brand="Sample Brand",
        vendor="Sample Vendor",
        category_path="Category > Vapes",
        strain=None,
        on_hand=Decimal(12),
        available=Decimal(10),
        sellable=True,
        prices=(
            ("price_otd_adult_use", 3955),
            ("price_otd_medical_use", None),
            ("price_otd", 0),
            ("price_retail_adult_use", 3500),
            ("price_retail_medical_use", None),
            ("price_retail", 0),
        ),
        cost_cents=1100,
        batch_cost_cents=None,
        thc_percent=Decimal(70),
        cbd_percent=None,
        date_expire="2026-07-01",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"area_type": "Damaged"},
        {"area_type": "scrap"},
        {"area_type": "Quarantine"},
        {"area_type": "hold"},
        {"deleted": True},
        {"deleted": 1},
        {"qc_hold": "true"},
        {"date_closed": "2026-01-01T00:00:00Z"},
        {"status": "closed"},
    ],
)
def test_a_row_that_may_not_be_sold_from_is_not_sellable(fields: dict[str, Any]) -> None:
    assert not mapped(stock(**fields)).sellable


@pytest.mark.parametrize(
    "fields",
    [
        {"area_type": None},
        {"area_type": "Retail"},
        {"status": None},
        {"status": "Open"},
        {"deleted": 0},
    ],
)
def test_any_other_row_is_sellable(fields: dict[str, Any]) -> None:
    assert mapped(stock(**fields)).sellable


@pytest.mark.parametrize(
    ("fields", "thc"),
    [
        ({"thc": 22.5}, Decimal("22.5")),
        ({"thc": "22.5", "compounds": None}, Decimal("22.5")),
        ({"thc": 0, "compounds": []}, Decimal(0)),
        ({"thc": 700}, Decimal(70)),
        ({"compounds": [{"compound": "THC %", "result": "700"}]}, None),
        ({"compounds": [{"compound": "CBD %", "result": "5"}]}, None),
        ({"compounds": ["odd", None, {"compound": "THC %"}]}, None),
        ({"compounds": "odd"}, None),
    ],
)
def test_potency_is_the_rows_own_else_the_test_result(
    fields: dict[str, Any], thc: Decimal | None
) -> None:
    assert mapped(stock(**fields)).thc_percent == thc


def test_cbd_is_read_likewise() -> None:
    row = stock(compounds=[{"compound": "CBD %", "result": "5.50000000"}])

    assert mapped(row).cbd_percent == Decimal("5.5")


def test_one_quantity_stands_for_both_where_only_one_is_sent() -> None:
    only_available = mapped(without(stock(), "on_hand"))
    only_on_hand = mapped(without(stock(), "available"))

    assert (only_available.on_hand, only_available.available) == (Decimal(10), Decimal(10))
    assert (only_on_hand.on_hand, only_on_hand.available) == (Decimal(12), Decimal(12))


@pytest.mark.parametrize(
    "fields", [{"available": "many"}, {"on_hand": []}, {"on_hand": None, "available": None}]
)
def test_a_row_without_a_readable_quantity_is_rejected(fields: dict[str, Any]) -> None:
    record = refused(stock(**fields))

    assert (record.code, record.record_id) == ("bad_quantity", "2001")


@pytest.mark.parametrize("field", ["price_otd_adult_use", "price_retail", "cost_of_good"])
def test_a_row_with_an_unreadable_price_or_cost_is_rejected(field: str) -> None:
    record = refused(stock(**{field: "free"}))

    assert (record.code, record.record_id) == ("bad_money", "2001")


def test_a_row_without_an_item_is_rejected() -> None:
    assert refused(stock(id_item=None)).code == "missing_id"


def test_a_row_that_names_no_location_is_of_the_one_asked_for() -> None:
    assert mapped(without(stock(), "id_location")).location_id == "1000"
