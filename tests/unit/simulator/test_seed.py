"""The invented data: its sizes, its oddities, and that it is the same at every start."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from deploy.local.simulator.dataset import Dataset, generate_dataset
from deploy.local.simulator.seed.inventory_row import EMPTY_ROW
from deploy.local.simulator.spec import OrgSpec, generated_orgs, named_orgs
from deploy.local.simulator.truth import Truth, instant
from tests.unit.simulator.conftest import TODAY

SEGMENTS = {"vip", "loyal", "churned", "at_risk", "returning", "new"}
STATUSES = {
    "pending", "submitted", "confirmed", "preparing", "ready", "completed", "cancelled",
    "processing", "delivered",
}  # fmt: skip
LARGE = named_orgs(seed=1)[0]


def data_of(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    return {
        "customers": list(dataset.customers),
        "orders": list(dataset.orders),
        "inventory": list(dataset.inventory),
    }


@pytest.fixture(scope="module")
def large() -> dict[str, list[dict[str, Any]]]:
    return data_of(generate_dataset(LARGE, TODAY))


def test_the_large_org_is_as_large_as_the_recorded_account(
    large: dict[str, list[dict[str, Any]]],
) -> None:
    assert len(large["customers"]) == 2527
    assert len(large["orders"]) == 2689
    assert len(large["inventory"]) == 395
    assert len({row["id_item"] for row in large["inventory"]}) == 374


@pytest.mark.parametrize("spec", [*named_orgs(seed=1)[1:], *generated_orgs(12, seed=3)])
def test_every_org_has_exactly_the_sizes_of_its_spec(spec: OrgSpec) -> None:
    # When
    dataset = generate_dataset(spec, TODAY)
    # Then
    first_location = [r for r in dataset.inventory if r["id_location"] == spec.location_ids[0]]
    assert len(dataset.customers) == spec.customers
    assert len(dataset.orders) == spec.orders
    assert len(first_location) == spec.rows
    assert len({row["id_item"] for row in dataset.inventory}) == spec.products
    assert {row["id_location"] for row in dataset.inventory} == set(spec.location_ids)


@pytest.mark.parametrize(
    ("customers", "orders", "products"),
    [(0, 0, 0), (0, 7, 3), (1, 1, 1), (3, 0, 1), (2, 9, 0), (5, 300, 4), (9, 29, 2), (9, 30, 2)],
)
def test_odd_sizes_are_met_exactly(customers: int, orders: int, products: int) -> None:
    # Given
    spec = OrgSpec(id="odd", customers=customers, orders=orders, products=products, rows=products)
    # When
    dataset = generate_dataset(spec, TODAY)
    # Then
    assert (len(dataset.customers), len(dataset.orders)) == (customers, orders)


def test_two_starts_of_one_seed_and_day_agree() -> None:
    # Given
    spec = named_orgs(seed=5)[1]
    # Then
    once, again = (data_of(generate_dataset(spec, TODAY)) for _ in range(2))
    other_seed = data_of(generate_dataset(spec.model_copy(update={"seed": 6}), TODAY))
    assert once == again
    assert once["orders"] != other_seed["orders"]


@pytest.mark.parametrize("spec", named_orgs(seed=1), ids=lambda spec: spec.id)
@pytest.mark.parametrize("today", [TODAY, date(2026, 11, 21)])
def test_every_segment_occurs_whatever_the_hour(spec: OrgSpec, today: date) -> None:
    # Given
    data = data_of(generate_dataset(spec, today))
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    # When
    truth = Truth(data, spec.timezone)
    early, late, next_evening = (
        truth.segments(midnight + timedelta(hours=hours)) for hours in (0, 23, 47)
    )
    # Then
    assert set(early.values()) == SEGMENTS
    assert early == late == next_evening


def test_no_order_lies_in_the_future(large: dict[str, list[dict[str, Any]]]) -> None:
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    newest = max(instant(order["date_updated"], LARGE.timezone) for order in large["orders"])
    assert newest < midnight


def test_ids_rise_with_time(large: dict[str, list[dict[str, Any]]]) -> None:
    in_order = sorted(large["orders"], key=lambda order: int(order["id_order"]))
    moments = [instant(order["date_created"], LARGE.timezone) for order in in_order]
    assert all(earlier <= later for earlier, later in pairwise(moments))


def test_sixty_orders_of_the_large_org_match_no_customer(
    large: dict[str, list[dict[str, Any]]],
) -> None:
    # When
    truth = Truth(large, LARGE.timezone)
    found = Counter(truth.buyer_of(order)[1] for order in large["orders"])
    # Then
    assert found["nobody"] + found["stranger"] == 60
    assert found["stranger"] >= 10
    assert 20 <= found["email"] <= 80
    assert 5 <= found["user_id"] <= 40


def test_orders_come_in_every_type_and_status(large: dict[str, list[dict[str, Any]]]) -> None:
    # When
    types = Counter(order["type"] for order in large["orders"])
    statuses = Counter(order.get("status", "absent") for order in large["orders"])
    refunds = [order for order in large["orders"] if float(order["total"]) < 0]
    totals = {type(order["total"]) for order in large["orders"]}
    # Then
    assert set(types) == {"retail", "pickup", "delivery"}
    assert set(statuses) == STATUSES | {None, "absent"}
    assert totals == {float, str}
    assert len(refunds) >= 10
    assert {order["status"] for order in refunds} == {"completed"}


def test_customers_are_as_odd_as_the_recorded_ones(
    large: dict[str, list[dict[str, Any]]],
) -> None:
    # Given
    customers = large["customers"]
    ordering = {order["id_customer"] for order in large["orders"]}
    # When
    emails = Counter((c["email"] or "").lower() for c in customers)
    phones = Counter(c["phone"] for c in customers)
    without_orders = sum(c["id_customer"] not in ordering for c in customers)
    # Then
    assert any(c["name_first"] == "Guest" and not c["email"] for c in customers)
    assert 0.2 < emails[""] / len(customers) < 0.6
    assert [count for email, count in emails.items() if email and count > 1]
    assert [count for phone, count in phones.items() if phone and count > 1]
    assert 0.3 < without_orders / len(customers) < 0.4


def test_stock_rows_have_the_recorded_keys_and_oddities(
    large: dict[str, list[dict[str, Any]]],
) -> None:
    # Given
    rows = large["inventory"]
    # When
    without_brand = sum(row["brand"] is None for row in rows)
    without_cost = sum(row["cost_of_good"] is None for row in rows)
    cost_only = [r for r in rows if not any(v for k, v in r.items() if k.startswith("price_"))]
    # Then
    assert all(set(row) == set(EMPTY_ROW) for row in rows)
    assert {(row["price_retail"], row["price_otd"], row["sku"]) for row in rows} == {(0, 0, None)}
    assert 50 <= without_brand <= 80
    assert 180 <= without_cost <= 240
    assert cost_only
    assert all(row["cost_of_good"] for row in cost_only)
    assert {row["area_type"] for row in rows} == {"Retail", "Damaged"}


def test_only_example_addresses_and_fiction_numbers_are_used(
    large: dict[str, list[dict[str, Any]]],
) -> None:
    for record in (*large["customers"], *large["orders"]):
        email, phone = record["email"] or "", record["phone"] or ""
        digits = "".join(c for c in phone if c.isdecimal())
        assert not email or email.endswith(("@example.com", "@example.org", "@alleaves.local"))
        assert not digits or digits[-7:-2] == "55501"
