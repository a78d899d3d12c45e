"""Stock rows of Alleaves as domain records."""

from decimal import Decimal
from typing import Any

import pytest

from shared.domain.inventory import InventoryRow, StockArea, in_known_areas
from shared.pos.alleaves.catalogue import to_inventory_row
from shared.pos.port import Rejected
from tests.unit.pos.alleaves.rows import rest_product, stock, without


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


def test_a_product_in_the_documented_shape_of_the_rest_style() -> None:
    record = mapped(rest_product())

    assert (record.item_id, record.name, record.brand) == ("2001", "Sample Vape 1g", "Sample Brand")
    assert (record.category_path, record.strain) == ("Vapes > Cartridges", "Sativa")
    assert (record.available, record.on_hand) == (Decimal(10), Decimal(12))
    assert dict(record.prices)["price_retail"] == 3500
    assert (record.cost_cents, record.batch_cost_cents) == (1100, 1050)
    assert (record.thc_percent, record.cbd_percent) == (Decimal("70.5"), Decimal("0.2"))
    assert record.sellable


@pytest.mark.parametrize(
    ("fields", "quantities"),
    [
        ({"available": True, "quantity": 12}, (12, 12)),
        ({"available": False, "quantity": 12}, (0, 12)),
        ({"available": True, "has_inventory": False, "quantity": 12}, (0, 12)),
        ({"available": False, "quantity": None}, (0, 0)),
        ({"available": None, "quantity": 12}, (12, 12)),
    ],
)
def test_where_available_is_a_flag_all_or_nothing_of_the_quantity_is(
    fields: dict[str, Any], quantities: tuple[int, int]
) -> None:
    record = mapped(rest_product(**fields))

    assert (int(record.available), int(record.on_hand)) == quantities


def test_a_product_for_sale_without_a_quantity_is_rejected() -> None:
    assert refused(rest_product(available=True, quantity=None)).code == "bad_quantity"


@pytest.mark.parametrize("name", ["Damaged", "scrap", "Quarantine", "hold"])
def test_an_area_that_is_only_named_says_whether_it_may_be_sold_from(name: str) -> None:
    row = without(stock(area=name), "area_type")

    assert not mapped(row).sellable
    assert mapped(row | {"area": "Sales Floor"}).sellable


def test_a_row_that_names_no_area_keeps_the_id_to_ask_by() -> None:
    nameless = mapped(without(stock(), "area_type"))

    assert nameless.area_id == "1000"
    assert mapped(stock()).area_id is None
    areas = [StockArea("1000", "Damaged", sellable=False)]
    assert [row.sellable for row in in_known_areas([nameless, mapped(stock())], areas)] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("fields", "image"),
    [
        ({}, None),
        ({"image_url": "https://cdn.example.com/1.png"}, "https://cdn.example.com/1.png"),
        ({"media_list": [{"content": "https://a.example.com/2"}]}, "https://a.example.com/2"),
        ({"imageUrl": "data:image/png;base64,AA", "media_list": [7, {"content": 8}]}, None),
        ({"image_url": "https://cdn.example.com/a b"}, None),
        ({"media_list": [{"content": "https://cdn.example.com/" + "x" * 3_000}]}, None),
    ],
)
def test_a_picture_is_the_address_of_one(fields: dict[str, Any], image: str | None) -> None:
    assert mapped(stock(**fields)).image_url == image
