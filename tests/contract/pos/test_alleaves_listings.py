"""The Alleaves client against a whole API on a real port, in both styles."""

import pytest

from tests.contract.pos.conftest import EVER, Pos

STYLES = pytest.mark.parametrize("org_id", ["org_search", "org_rest"])


@STYLES
def test_customers_are_those_of_the_pos(pos: Pos, org_id: str) -> None:
    # Given
    truth = {str(row["id_customer"]) for row in pos.org(org_id).dataset.customers}

    # When
    pages = list(pos.client(org_id).customers())

    # Then
    ids = [record.id for page in pages for record in page.records]
    assert len(ids) == len(truth) == 640
    assert set(ids) == truth
    assert [page.last for page in pages] == [False] * 6 + [True]


@STYLES
def test_orders_are_those_of_the_pos_with_its_totals(pos: Pos, org_id: str) -> None:
    # Given
    truth = {str(row["id_order"]) for row in pos.org(org_id).dataset.orders}

    # When
    pages = list(pos.client(org_id).orders(EVER))

    # Then
    orders = [record for page in pages for record in page.records]
    assert len(orders) == len(truth) == 750
    assert {order.external_id for order in orders} == truth
    assert {page.total for page in pages} == {750}
    assert pos.calls(org_id, "orders") == 8


@pytest.mark.parametrize("org_id", ["org_limited_search", "org_limited_rest"])
def test_a_pos_that_gives_fewer_at_once_than_it_is_asked_for_is_listed_whole(
    pos: Pos, org_id: str
) -> None:
    # Given
    dataset = pos.org(org_id).dataset
    client = pos.client(org_id)

    # When
    customers = [record.id for page in client.customers() for record in page.records]
    taken_up = [record.id for page in client.customers(start_page=4) for record in page.records]
    orders = [record.external_id for page in client.orders(EVER) for record in page.records]

    # Then
    assert customers == [str(row["id_customer"]) for row in dataset.customers]
    assert taken_up == customers[150:]
    assert sorted(orders) == sorted(str(row["id_order"]) for row in dataset.orders)


@STYLES
def test_stock_is_that_of_the_location(pos: Pos, org_id: str) -> None:
    # When
    pages = list(pos.client(org_id).inventory("1000"))

    # Then
    assert [(page.rows, len(page.records), page.last) for page in pages] == [(45, 45, True)]
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


def test_two_accounts_of_one_server_are_kept_apart(pos: Pos) -> None:
    # When
    (search, *_), (rest, *_) = (
        list(pos.client(org_id).customers()) for org_id in ("org_search", "org_rest")
    )

    # Then
    assert search.records != rest.records
