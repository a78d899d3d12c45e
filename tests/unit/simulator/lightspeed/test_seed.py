"""The invented retailer: its sizes, its oddities, the eCom export, and the truth about it."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deploy.local.simulator.lightspeed.dataset import KINDS, RetailerData, generated_orders
from deploy.local.simulator.lightspeed.export import (
    HEADER,
    SALE_ID,
    export_rows,
    export_time,
    write_export,
)
from deploy.local.simulator.lightspeed.seed.ecom import ecom_numbers
from deploy.local.simulator.lightspeed.seed.sale import STATES
from deploy.local.simulator.lightspeed.spec import large_retailer, named_retailers
from deploy.local.simulator.lightspeed.truth import RetailerTruth, address_of
from tests.unit.simulator.conftest import TODAY
from tests.unit.simulator.lightspeed.conftest import RetailClient

Rows = list[dict[str, Any]]
SPEC = large_retailer(seed=1).model_copy(
    update={"customers": 1_000, "sales": 4_000, "ecom_orders": 484, "late": 161}
)


@pytest.fixture(scope="module")
def retail() -> RetailerData:
    return RetailerData(SPEC, TODAY)


@pytest.fixture(scope="module")
def sales(retail: RetailerData) -> Rows:
    return list(retail.table("sales"))


@pytest.fixture(scope="module")
def customers(retail: RetailerData) -> Rows:
    return list(retail.table("customers"))


@pytest.fixture(scope="module")
def export(retail: RetailerData) -> Rows:
    return exported(retail)


def registers(data: RetailerData) -> Rows:
    return list(data.table("registers"))


def exported(data: RetailerData) -> Rows:
    header, *lines = data.export()
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_a_retailer_is_exactly_as_large_as_its_spec(retail: RetailerData) -> None:
    assert len(retail.table("customers")) == 1_000
    assert len(retail.table("sales")) == 4_000
    assert (len(retail.ecom), len(retail.late)) == (484, 161)


def test_a_few_numbers_of_ecom_orders_are_missing() -> None:
    numbers = ecom_numbers(2_419, Random(1))

    assert numbers == sorted(set(numbers))
    assert (len(numbers), numbers[0], numbers[-1]) == (2_419, 1, 2_425)


def test_the_same_seed_gives_the_same_retailer() -> None:
    one, other = (RetailerData(named_retailers(seed=3)[0], TODAY) for _ in range(2))

    assert all(list(one.table(kind)) == list(other.table(kind)) for kind in KINDS)
    assert list(one.export()) == list(other.export())


def test_every_state_of_a_sale_occurs(sales: Rows) -> None:
    assert set(STATES) == {sale["status"] for sale in sales}
    for sale in sales:
        assert (sale["state"], sale["attributes"]) == STATES[sale["status"]]


def test_the_amounts_of_a_sale_add_up(sales: Rows) -> None:
    for sale in sales:
        net, tax = (Decimal(str(sale[name])) for name in ("total_price", "total_tax"))
        assert net + tax == Decimal(str(sale["total_price_incl"]))
        lines = sum(Decimal(str(line["total_price"])) for line in sale["line_items"])
        assert lines + sum(Decimal(str(c)) for c in sale["ecom_custom_charges"].values()) == net


def test_returns_are_negative_and_name_what_they_take_back(sales: Rows) -> None:
    by_id = {sale["id"]: sale for sale in sales}

    returns = [sale for sale in sales if sale["return_for"]]

    assert len(returns) > 100
    for sale in returns:
        original = by_id[sale["return_for"]]
        assert original["return_ids"] == [sale["id"]]
        assert sale["total_price_incl"] == -original["total_price_incl"] < 0


def test_sales_of_the_ecom_shop_say_their_number_and_hold_personal_data_in_the_note(
    retail: RetailerData, sales: Rows
) -> None:
    from_shop = [sale for sale in sales if sale["source"].startswith("ecw:")]

    assert {sale["source"] for sale in from_shop} == {SPEC.ecom_source}
    assert {int(sale["source_id"]) for sale in from_shop} == set(retail.ecom) - retail.late
    for sale in from_shop:
        first, personal = sale["note"].split("\n")
        assert first == f"Order ID:{sale['source_id']}"
        assert retail.ecom[int(sale["source_id"])].contact.name in personal


def test_customers_have_placeholders_and_share_contacts(customers: Rows) -> None:
    emails = Counter(filter(None, map(address_of, customers)))
    phones = Counter(filter(None, (row["mobile"] or row["phone"] for row in customers)))

    assert sum(count > 1 for count in emails.values()) >= 3
    assert sum(count > 1 for count in phones.values()) >= 3
    assert {row["email"] for row in customers} >= {"customer@example.com", "", None}
    assert 0 < sum(bool(row["deleted_at"]) for row in customers) < 50


def test_some_sales_have_no_customer_or_one_who_is_deleted(customers: Rows, sales: Rows) -> None:
    deleted = {row["id"] for row in customers if row["deleted_at"]}

    buyers = Counter(sale["customer_id"] for sale in sales)

    assert buyers[None] > 200
    assert any(buyers[each] for each in deleted)


def test_the_export_has_a_row_for_each_line_and_the_total_on_each(
    retail: RetailerData, export: Rows
) -> None:
    found: dict[int, Rows] = {}
    for row in export:
        found.setdefault(int(row["order_number"]), []).append(row)

    assert len(HEADER) == len(set(HEADER)) == 109
    assert set(found) == set(retail.ecom)
    for number, own in found.items():
        order = retail.ecom[number]
        assert len(own) == len(order.lines)
        assert {row["order_total"] for row in own} == {f"{order.total_cents / 100:.2f}"}
        subtotal = sum(Decimal(row["total"]) for row in own)
        assert subtotal == Decimal(own[0]["order_subtotal"])
    codes = Counter(row["payment_status_code"] for row in export)
    assert set(codes) == {"ACCEPTED", "QUEUED", "REFUNDED", "CANCELLED"}
    assert codes["ACCEPTED"] > 0.9 * len(export)


def test_a_written_export_is_read_back_whole(
    retail: RetailerData, export: Rows, tmp_path: Path
) -> None:
    path = tmp_path / "ecom_orders_export.csv"

    written = write_export(path, retail.export())

    text = path.read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert written == len(found) > 800
    assert found == export
    assert text.count("\n") > 3 * written
    assert any(";" in row["order_comments"] and '"' in row["order_comments"] for row in found)
    assert export_time(datetime(2026, 1, 5, 15, 30, tzinfo=UTC)) == "Jan 5, 2026 03:30 PM"
    assert not any(row[SALE_ID] for row in found if int(row["order_number"]) in retail.late)


def test_an_export_of_any_length_comes_row_by_row(customers: Rows) -> None:
    orders = generated_orders(SPEC, TODAY, 1_000_000)

    found = list(islice(export_rows(orders, lambda _: False), 5_001))

    assert len(found) == 5_001
    assert {len(row) for row in found} == {109}
    known = set(filter(None, map(address_of, customers)))
    emails = [row[1].lower() for row in found[1:]]
    assert 0.7 * len(emails) < sum(email in known for email in emails) < len(emails)


def test_a_late_order_becomes_a_sale_and_a_stranger_a_customer(cove: RetailClient) -> None:
    # Given
    data = cove.retailer.data
    strangers = [n for n in data.late if data.ecom[n].contact.customer_id is None]
    last = cove.all("sales")[-1]["version"]

    # When
    sales = cove.control("POST", "/ecom/arrivals", {"numbers": strangers[:1]})["sales"]

    # Then
    order = data.ecom[strangers[0]]
    (sale,) = cove.get("sales", after=last).json["data"]
    assert [sale["id"]] == sales == [order.sale_id]
    customer = cove.get(f"customers/{sale['customer_id']}").json["data"]
    assert customer["email"] == order.contact.email
    assert datetime.fromisoformat(sale["created_at"]) == order.placed.astimezone(UTC)


def test_a_new_ecom_order_is_in_the_export_before_it_is_at_the_retailer(cove: RetailClient) -> None:
    # When
    made = cove.control("POST", "/ecom")

    # Then
    assert (made["late"], made["number"]) == (True, 151)
    found = exported(cove.retailer.data)
    assert found[-1]["order_number"] == "151"
    assert cove.get(f"sales/{made['saleId']}").status_code == 404


def test_an_import_adds_what_has_not_arrived_and_nothing_twice(
    sales: Rows, customers: Rows, retail: RetailerData, export: Rows
) -> None:
    # Given
    at_retail = {"customers": customers, "sales": sales, "registers": registers(retail)}

    # When
    before = RetailerTruth(at_retail, SPEC.timezone)
    after = RetailerTruth({**at_retail, "ecom": export}, SPEC.timezone)

    # Then
    added: Counter[str | None] = Counter()
    for order in after.orders.values():
        if order.id.startswith("ecom_") and order.counts:
            assert int(order.ecom_number or 0) in retail.late
            added[order.customer_id] += int(100 * order.total)
    for customer_id, figures in after.figures.items():
        more = figures.spent - before.figures[customer_id].spent
        assert int(100 * more) == added[customer_id]
    superseded = [order for order in after.orders.values() if order.superseded_by]
    assert len(superseded) == len(retail.ecom) - len(retail.late)
    assert not any(order.counts for order in superseded)
    assert after.unmatched > 0


def test_every_segment_occurs(sales: Rows, customers: Rows, retail: RetailerData) -> None:
    data = {"customers": customers, "sales": sales, "registers": registers(retail)}
    now = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)

    truth = RetailerTruth(data, SPEC.timezone)

    segments = {figures.segment(now) for figures in truth.figures.values()}
    assert segments == {"vip", "loyal", "churned", "at_risk", "returning", "new"}
