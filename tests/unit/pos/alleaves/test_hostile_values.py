"""Values that no database can hold: they count as not given, or their record is rejected."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.domain.customers import Customer
from shared.domain.discounts import Discount
from shared.domain.inventory import InventoryRow
from shared.domain.orders import Order
from shared.pos.alleaves import catalogue
from shared.pos.alleaves.orders import PLACEHOLDER_EMAIL, to_customer, to_order
from shared.pos.alleaves.parse import rows_and_total
from shared.pos.port import Rejected
from shared.pos.rows import number
from tests.unit.pos.alleaves.rows import customer, order, stock

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
RESERVED = ["__x__", "____", "\ud800", "..", "a/b", "x" * 201]


@pytest.mark.parametrize("record_id", [*RESERVED, float("nan"), float("inf"), True, [], ""])
def test_a_record_whose_id_no_document_can_have_is_rejected(record_id: Any) -> None:
    found = [
        to_customer(customer(id_customer=record_id), ZONE),
        to_order(order(id_order=record_id), ZONE, "1000", now=NOW),
        catalogue.to_inventory_row(stock(id_item=record_id), "1000"),
        catalogue.to_discount({"id": record_id, "type": "percent", "value": 5}, ZONE),
    ]
    assert {each.code for each in found if isinstance(each, Rejected)} == {"missing_id"}
    assert len(found) == 4


@pytest.mark.parametrize("record_id", RESERVED)
def test_what_an_order_or_a_row_refers_to_by_such_an_id_counts_as_not_named(record_id: str) -> None:
    found = to_order(
        order(id_customer=record_id, items=[{"id_item": record_id}]), ZONE, "1000", now=NOW
    )
    row = catalogue.to_inventory_row(stock(id_batch=record_id), "1000")

    assert isinstance(found, Order)
    assert found.pos_customer_id is None
    assert found.items[0].product_id is None
    assert isinstance(row, InventoryRow)
    assert row.batch_id is None


@pytest.mark.parametrize("location_id", ["__x__", "..", "a/b", "x" * 201])
def test_stock_at_a_place_of_such_an_id_is_not_counted_as_another_places(location_id: str) -> None:
    found = catalogue.to_inventory_row(stock(id_location=location_id), "1000")
    assert isinstance(found, Rejected)
    assert (found.code, found.record_id) == ("bad_location", "2001")


def test_text_that_is_no_unicode_is_left_out_of_conditions_and_locations() -> None:
    row = {
        "id": 1,
        "type": "percent",
        "value": 5,
        "conditions": {"categories": ["\ud800", "Vapes"]},
    }
    found = catalogue.to_discount(row, ZONE)
    assert isinstance(found, Discount)
    assert found.categories == {"Vapes"}

    fields = {"location": "\ud800", "phone": 10**30, "license": "SIM-1"}
    (place,) = catalogue.to_locations([{"id_location": 1000, **fields}])
    assert place.fields == {"licenseNumber": "SIM-1"}


@pytest.mark.parametrize("value", ["1e-999999", "1e999999", "NaN", "\ud800", 10**400])
def test_a_number_that_would_fill_pages_is_none(value: object) -> None:
    assert number(value) is None


def test_a_name_as_long_as_no_name_is_rejects_the_record() -> None:
    assert isinstance(to_customer(customer(name_first="x" * 2_000), ZONE), Customer)
    found = to_customer(customer(name_first="x" * 2_001), ZONE)
    assert isinstance(found, Rejected)
    assert found.code == "bad_text"


@pytest.mark.parametrize("wrong", [10**12, 0, "9" * 5_000, True, None, []])
def test_a_total_that_one_row_has_wrong_is_what_the_others_say(wrong: object) -> None:
    reply = [{"total_rows": wrong}, {"total_rows": 3}, {"total_rows": 3}]
    assert rows_and_total(reply) == (reply, 3)


def test_a_record_with_text_that_cannot_be_stored_keeps_its_id() -> None:
    """What the lists lack is looked up: a record that is only unreadable is not missing."""
    too_long = "x" * 2_001
    found = [
        to_customer(customer(id_customer=7, name_first=too_long), ZONE),
        to_order(order(id_order=8, phone="\ud800"), ZONE, "1000", now=NOW),
        catalogue.to_inventory_row(stock(id_item=9, item=too_long), "1000"),
        to_customer(customer(id_customer="__x__", name_first=too_long), ZONE),
    ]
    assert [each.record_id for each in found if isinstance(each, Rejected)] == [
        "7",
        "alleaves_8",
        "9",
        None,
    ]


def test_an_e_mail_longer_than_any_address_counts_as_not_given() -> None:
    email = "x" * 3_000 + "@example.com"

    buyer = to_customer(customer(email=email), ZONE)
    bought = to_order(order(email=email), ZONE, "1000", now=NOW)

    assert isinstance(buyer, Customer)
    assert buyer.email == PLACEHOLDER_EMAIL
    assert isinstance(bought, Order)
    assert bought.email is None
