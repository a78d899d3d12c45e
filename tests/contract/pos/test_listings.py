"""What every provider's client promises of what it lists and looks up, against a whole API on a
real port."""

import pytest

from tests.contract.pos.conftest import ACCOUNTS, EVER, LIMITED, Pos


@ACCOUNTS
def test_every_customer_is_listed_once(pos: Pos, org_id: str) -> None:
    # Given
    held = pos.held(org_id).customers

    # When
    pages = list(pos.client(org_id).customers())

    # Then
    ids = [record.id for page in pages for record in page.records]
    assert len(ids) == len(held) > 630
    assert set(ids) == set(held)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert [page.rows for page in pages[:6]] == [100] * 6


@ACCOUNTS
def test_every_order_is_listed_once_with_the_total_of_the_pos(pos: Pos, org_id: str) -> None:
    # Given
    held = pos.held(org_id).orders

    # When
    pages = list(pos.client(org_id).orders(EVER))

    # Then
    orders = [record for page in pages for record in page.records]
    assert len(orders) == len(held) >= 750
    assert {order.external_id for order in orders} == set(held)
    assert {page.total for page in pages} == {len(held)}
    assert pos.calls(org_id, "orders") == 8


@ACCOUNTS
def test_single_records_are_those_of_the_listing(pos: Pos, org_id: str) -> None:
    client = pos.client(org_id)
    customer = next(iter(client.customers())).records[0]
    order = next(iter(client.orders(EVER))).records[0]

    assert client.customer(customer.id).records == (customer,)
    assert client.order(order.external_id).records == (order,)


@ACCOUNTS
def test_an_unknown_id_is_no_record_and_no_error(pos: Pos, org_id: str) -> None:
    client = pos.client(org_id)

    for found in (client.customer("77"), client.order("77")):
        assert (found.records, found.rejected, found.last) == ((), (), True)


@ACCOUNTS
def test_a_listing_is_taken_up_behind_any_of_its_pages(pos: Pos, org_id: str) -> None:
    # Given
    client = pos.client(org_id)
    pages = list(client.customers())
    ids = [[record.id for record in page.records] for page in pages]

    # When
    resumed = [
        [record.id for each in client.customers(start=page.resume) for record in each.records]
        for page in pages[:-1]
    ]

    # Then
    rest = [[i for page in ids[number:] for i in page] for number in range(1, len(ids))]
    assert resumed == rest


@LIMITED
def test_a_pos_that_gives_fewer_at_once_than_it_is_asked_for_is_listed_whole(
    pos: Pos, org_id: str
) -> None:
    # Given
    held = pos.held(org_id)
    client = pos.client(org_id)

    # When
    pages = list(client.customers())
    taken_up = list(client.customers(start=pages[2].resume))
    orders = [record.external_id for page in client.orders(EVER) for record in page.records]

    # Then
    customers = [record.id for page in pages for record in page.records]
    assert customers == held.customers
    behind = [record.id for page in pages[3:] for record in page.records]
    assert [record.id for page in taken_up for record in page.records] == behind
    assert sorted(orders) == sorted(held.orders)


@ACCOUNTS
def test_stock_is_that_of_the_location(pos: Pos, org_id: str) -> None:
    # Given
    client = pos.client(org_id)
    place = client.locations().value[0].id

    # When
    pages = list(client.inventory(place))

    # Then
    rows = [row for page in pages for row in page.records]
    assert pages[-1].last
    assert 35 <= len({row.item_id for row in rows}) <= 40
    assert {row.location_id for row in rows} == {place}
    assert [bad for page in pages for bad in page.rejected] == []


@pytest.mark.parametrize(
    "others", [("org_search", "org_rest"), ("org_retail", "org_limited_retail")]
)
def test_two_accounts_of_one_server_are_kept_apart(pos: Pos, others: tuple[str, str]) -> None:
    # When
    (one, *_), (other, *_) = (list(pos.client(org_id).customers()) for org_id in others)

    # Then
    assert one.records != other.records
