"""What only Lightspeed has: lists by version, deleted records, sales in all their states."""

import time
from collections import Counter
from decimal import Decimal

import pytest

from deploy.local.simulator.lightspeed.truth import RetailerTruth
from shared.domain.orders import Channel, Order
from shared.domain.spending import counts
from shared.pos.port import ChangeListings
from tests.contract.pos.conftest import EVER, Pos


def changes(pos: Pos) -> ChangeListings:
    found = pos.client("org_retail").changes
    assert found is not None
    return found


def truth_of(pos: Pos) -> RetailerTruth:
    retailer = pos.retailer("org_retail")
    kinds = ("customers", "sales", "registers")
    data = {kind: list(retailer.data.table(kind)) for kind in kinds}
    return RetailerTruth(data, retailer.spec.timezone)


def listed(pos: Pos, after: int = 0) -> list[Order]:
    return [order for page in changes(pos).orders(after) for order in page.records]


def test_an_order_has_the_amount_buyer_channel_and_number_that_its_sale_says(pos: Pos) -> None:
    # Given
    truth = truth_of(pos)

    # When
    orders = {order.id: order for page in changes(pos).orders(0) for order in page.records}

    # Then
    for order_id, expected in truth.orders.items():
        order = orders[order_id]
        assert Decimal(order.total_cents) / 100 == expected.total
        assert order.pos_customer_id == expected.customer_id
        assert order.channel.value == expected.channel
        assert order.ecom_number == expected.ecom_number
        assert order.created_at == expected.at
        assert counts(order.status, order.type) == expected.counts
    strangers = [order for order_id, order in orders.items() if order_id not in truth.orders]
    assert len(strangers) == truth.skipped


def test_all_fourteen_states_are_listed(pos: Pos) -> None:
    states = Counter(order.pos_status for order in listed(pos))

    assert len(states) == 14
    assert None not in states


def test_sales_of_the_ecom_shop_say_which_order_they_were(pos: Pos) -> None:
    # Given
    data = pos.retailer("org_retail").data
    arrived = {str(number) for number in data.ecom if number not in data.late}

    # When
    numbers = [order.ecom_number for order in listed(pos) if order.channel is Channel.ECOM]

    # Then
    assert arrived <= set(numbers)
    assert not {str(number) for number in data.late} & set(numbers)


def test_both_ways_to_list_sales_list_the_same(pos: Pos) -> None:
    by_date = [o for page in pos.client("org_retail").orders(EVER) for o in page.records]

    assert sorted(by_date, key=lambda o: o.id) == sorted(listed(pos), key=lambda o: o.id)


def test_deleted_records_are_named_and_are_no_records(pos: Pos) -> None:
    # Given
    retailer = pos.retailer("org_retail")
    gone = pos.held("org_retail").customers[5]
    retailer.delete("customers", gone)

    # When
    pages = list(pos.client("org_retail").customers())
    sales = list(changes(pos).orders(0))

    # Then
    deleted = {i for page in pages for i in page.deleted}
    assert (
        deleted
        == {row["id"] for row in retailer.data.table("customers") if row["deleted_at"]}
        > {gone}
    )
    assert gone not in {record.id for page in pages for record in page.records}
    assert pos.client("org_retail").customer(gone).records == ()
    rows = retailer.data.table("sales")
    deleted_sales = {row["id"] for row in rows if row["deleted_at"]}
    assert {i for page in sales for i in page.deleted} == deleted_sales


def test_only_what_changed_since_a_version_is_listed(pos: Pos) -> None:
    # Given
    retailer = pos.retailer("org_retail")
    version = [page.resume for page in changes(pos).orders(0)][-1]
    sale = next(row for row in retailer.data.table("sales") if row["status"] == "AWAITING_PICKUP")
    retailer.set_status(sale["id"], "PICKED_UP_CLOSED")
    arrived = retailer.arrive([min(retailer.data.late)])

    # When
    pages = list(changes(pos).orders(version))

    # Then
    found = [order for page in pages for order in page.records]
    assert [order.external_id for order in found] == [sale["id"], *arrived]
    assert found[0].pos_status == "PICKED_UP_CLOSED"


def test_an_unchanged_account_costs_one_call_a_list(pos: Pos) -> None:
    # Given
    client = pos.client("org_retail")
    customers = [page.resume for page in client.customers()][-1]
    sales = [page.resume for page in changes(pos).orders(0)][-1]
    before = pos.calls("org_retail", "customers"), pos.calls("org_retail", "orders")

    # When
    pages = [*client.customers(start=customers), *changes(pos).orders(sales)]

    # Then
    assert [(page.rows, page.last) for page in pages] == [(0, True), (0, True)]
    after = pos.calls("org_retail", "customers"), pos.calls("org_retail", "orders")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


@pytest.mark.parametrize("kind", ["products", "inventory"])
def test_a_change_of_products_or_stock_is_noticed(pos: Pos, kind: str) -> None:
    # Given
    client = pos.client("org_retail")
    assert client.changes
    list(client.inventory(client.locations().value[0].id))
    versions = client.changes.stock_versions()
    assert not changes(pos).stock_changed(versions).value

    # When
    retailer = pos.retailer("org_retail")
    row = next(iter(retailer.data.table(kind)))
    retailer.change(kind, row["id"], {"current_amount": 3, "inventory_level": 3})

    # Then
    assert changes(pos).stock_changed(versions).value


def test_calls_beyond_the_limit_are_refused_until_the_window_ends(pos: Pos) -> None:
    # Given: three registers allow 950 calls within a window
    retailer = pos.retailer("org_retail")
    retailer.spec = retailer.spec.model_copy(update={"rate_window_seconds": 0.8})
    for _ in range(retailer.spec.rate_limit):
        retailer.rate.take(retailer.spec)

    # When: the header says a date in whole seconds
    began = time.monotonic()
    (found,) = pos.client("org_retail").locations().value

    # Then
    assert found.id
    assert 0.1 < time.monotonic() - began < 5
