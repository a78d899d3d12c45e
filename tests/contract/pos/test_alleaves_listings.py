"""The Alleaves client against a whole API on a real port: one suite for both styles, each of which
the POS speaks in the shapes of its own documents."""

from collections import Counter
from typing import Any

import pytest

from deploy.local.simulator.org import Org
from deploy.local.simulator.seed.order_buyer import PLACEHOLDER_EMAIL
from shared.domain.catalogue import products_from_rows
from shared.errors import CredentialsRejected
from tests.contract.pos.conftest import EVER, Pos

USES = ("adult", "medical")
STYLES = pytest.mark.parametrize("org_id", ["org_search", "org_rest"])


def told_by(order: dict[str, Any], org: Org) -> tuple[str | None, str | None, str | None]:
    """The customer's id, e-mail and user id that an order's record gives to tell its buyer by."""
    if org.spec.api_style == "search":
        customer_id, email = order["id_customer"], (order["email"] or "").lower()
        return (customer_id and str(customer_id), email or None, order.get("user_id"))
    by_id = {each["id_customer"]: each for each in org.dataset.customers}
    emails = Counter((each["email"] or "").lower() for each in by_id.values())
    if (buyer := by_id.get(order["id_customer"])) is None:
        return (None, (order["email"] or PLACEHOLDER_EMAIL).lower(), order.get("user_id"))
    own = (buyer["email"] or "").lower()
    user_id = buyer.get("user_id") or f"user-{buyer['id_customer']}"
    return (None, own if own and emails[own] == 1 else PLACEHOLDER_EMAIL, user_id)


@STYLES
def test_an_order_says_whose_it_is_as_its_style_does(pos: Pos, org_id: str) -> None:
    # Given
    org = pos.org(org_id)
    truth = {str(row["id_order"]): told_by(row, org) for row in org.dataset.orders}

    # When
    orders = [each for page in pos.client(org_id).orders(EVER) for each in page.records]

    # Then
    found = {o.external_id: (o.pos_customer_id, o.email, o.user_id) for o in orders}
    assert found == truth
    assert {order.location_id for order in orders} == {"1000"}


@STYLES
def test_an_order_carries_its_total_type_status_and_lines(pos: Pos, org_id: str) -> None:
    # Given
    truth = {str(row["id_order"]): row for row in pos.org(org_id).dataset.orders}

    # When
    orders = [each for page in pos.client(org_id).orders(EVER) for each in page.records]

    # Then
    for order in orders:
        row = truth[order.external_id]
        assert order.total_cents == round(float(row["total"]) * 100)
        assert order.pos_status == row.get("status")
        assert order.type.value == {"retail": "in_store"}.get(row["type"], row["type"])
        lines = [str(line["id_inventory_item"]) for line in row["items"]]
        assert [item.product_id for item in order.items] == lines


@STYLES
def test_customers_carry_what_orders_are_matched_by(pos: Pos, org_id: str) -> None:
    org = pos.org(org_id)

    customers = [each for page in pos.client(org_id).customers() for each in page.records]

    rest = org.spec.api_style == "rest"
    assert {(c.id, c.first_name, c.email, c.user_id) for c in customers} == {
        (
            str(row["id_customer"]),
            row["name_first"],
            (row["email"] or PLACEHOLDER_EMAIL).lower(),
            row.get("user_id") or (f"user-{row['id_customer']}" if rest else None),
        )
        for row in org.dataset.customers
    }


@STYLES
def test_stock_has_the_quantities_prices_and_costs_of_the_pos(pos: Pos, org_id: str) -> None:
    # Given
    rows = list(pos.org(org_id).dataset.inventory)

    # When
    (page,) = pos.client(org_id).inventory("1000")
    found = products_from_rows(page.records, location_ids_in_order=["1000"]).products

    # Then
    assert {int(product.id) for product in found} == {row["id_item"] for row in rows}
    for product in found:
        own = [row for row in rows if str(row["id_item"]) == product.id]
        for_sale = [row for row in own if row["area_type"] != "Damaged"]
        assert product.quantity == sum(row["available"] for row in for_sale)
        assert product.on_hand == sum(row["on_hand"] for row in own)
        lead = for_sale[0]
        assert (product.name, product.brand) == (lead["item"], lead["brand"])
        assert product.category == lead["category"].removeprefix("Category > ")
        prices = (lead[f"price_{kind}_{use}_use"] for kind in ("otd", "retail") for use in USES)
        listed = next((price for price in prices if price), None)
        if listed:
            assert product.price_cents == round(listed * 100)
        if lead["cost_of_good"]:
            assert product.cost_cents == round(lead["cost_of_good"] * 100)
        if lead["strain"]:
            assert product.strain_type == lead["strain"]


@STYLES
def test_the_areas_and_the_location_of_the_stock_are_told(pos: Pos, org_id: str) -> None:
    client = pos.client(org_id)

    areas, places = client.areas("1000").value, client.locations().value

    assert [(a.name, a.sellable) for a in areas] == [
        ("Sales Floor", True),
        ("Vault", True),
        ("Damaged", False),
    ]
    assert [place.id for place in places] == ["1000"]
    assert places[0].fields["licenseNumber"]
    own = "1000" if pos.org(org_id).spec.api_style == "rest" else None
    assert client.login_location() == own


def test_locations_of_the_rest_style_list_their_own_orders_and_stock(pos: Pos) -> None:
    # Given
    data = pos.org("org_rooms").dataset

    # When
    for number in (1000, 1001):
        client = pos.client("org_rooms", locationId=number)
        orders = [each for page in client.orders(EVER) for each in page.records]
        (stock,) = client.inventory(str(number))

        # Then
        own = {str(row["id_order"]) for row in data.orders if row["id_location"] == number}
        assert {order.external_id for order in orders} == own
        assert {order.location_id for order in orders} == {str(number)}
        items = {str(row["id_item"]) for row in data.inventory if row["id_location"] == number}
        assert {row.item_id for row in stock.records} == items
        some = orders[0].external_id
        other = pos.client("org_rooms", locationId=2001 - number)
        assert client.order(some).records[0].location_id == str(number)
        assert other.order(some).records == ()


def test_an_api_key_reads_what_a_sign_in_reads(pos: Pos) -> None:
    # Given a location that has nothing but a key
    none = {"username": "", "password": "", "pin": ""}
    keyed = [
        pos.client("org_rest", apiKey="k3y-of-nobody", **none),
        pos.client("org_rest", apiKey="k3y-of-nobody", apiKeyHeader="X-Api-Key", **none),
    ]

    # When
    found = [[each.id for page in client.customers() for each in page.records] for client in keyed]

    # Then
    assert found[0] == found[1]
    assert len(found[0]) == 640
    assert pos.calls("org_rest", "auth") == 0
    with pytest.raises(CredentialsRejected, match="Check the API key of"):
        list(pos.client("org_rest", apiKey="another", **none).customers())


@STYLES
def test_stock_is_that_of_the_location(pos: Pos, org_id: str) -> None:
    # When
    pages = list(pos.client(org_id).inventory("1000"))

    # Then rows of batches, or products
    rows = 45 if pos.org(org_id).spec.api_style == "search" else 40
    assert [(page.rows, len(page.records), page.last) for page in pages] == [(rows, rows, True)]
    assert len({row.item_id for row in pages[0].records}) == 40


@STYLES
def test_an_expected_count_asks_for_all_pages_at_once(pos: Pos, org_id: str) -> None:
    # When
    pages = list(pos.client(org_id).customers(expected=640))

    # Then
    assert sum(page.rows for page in pages) == 640
    assert pos.calls(org_id, "customers") == 7


def test_one_account_signs_in_once_for_all_that_it_reads(pos: Pos) -> None:
    # When
    for _ in range(2):
        list(pos.client("org_search").customers())
        list(pos.client("org_search").orders(EVER))

    # Then
    assert pos.calls("org_search", "auth") == 1
