"""Alleaves as a point of sale: what is asked of it, and what comes of the answers."""

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.domain.inventory import StockArea
from shared.errors import (
    ConfigurationInvalid,
    ListingIncomplete,
    ProviderFailed,
    ProviderRefused,
    ReplyUnreadable,
)
from shared.pos.port import PosClient, Rejected
from tests.unit.pos.alleaves.rows import (
    customer,
    order,
    rest_customer,
    rest_order,
    rest_product,
    stock,
)
from tests.unit.pos.alleaves.service import WINDOW, Alleaves
from tests.unit.pos.fakes import Canned, Sent, ok


def test_the_live_service_is_called_where_nothing_else_is_configured() -> None:
    alleaves = Alleaves()

    list(alleaves.client().customers())

    assert alleaves.transport.sent[0].url == "https://app.alleaves.com/api/auth"
    assert alleaves.transport.sent[1].headers["Authorization"] == "Bearer token-1"


def test_customers_of_the_search_style_are_asked_for_by_page() -> None:
    alleaves = Alleaves(customers=150)

    pages = list(alleaves.client().customers(expected=150))

    bodies = [sent.body for sent in alleaves.calls("/customer/search")]
    assert sorted(body["page"] for body in bodies) == [1, 2]
    assert {body["pageSize"] for body in bodies} == {100}
    assert [record.id for page in pages for record in page.records] == [
        str(number) for number in range(1, 151)
    ]


def test_customers_may_be_taken_up_at_a_later_page() -> None:
    alleaves = Alleaves(customers=250)

    pages = list(alleaves.client().customers(start=3))

    assert [(page.number, page.rows, page.last) for page in pages] == [(3, 50, True)]


def test_orders_of_the_search_style_are_asked_for_by_page_and_days() -> None:
    alleaves = Alleaves(orders=250)

    pages = list(alleaves.client().orders(WINDOW))

    calls = [parse_qs(urlsplit(sent.url).query) for sent in alleaves.calls("/order")]
    assert sorted(call["page"][0] for call in calls) == ["1", "2", "3"]
    assert {(call["startDate"][0], call["endDate"][0]) for call in calls} == {
        ("2026-01-01", "2026-03-31")
    }
    assert [(page.rows, page.total, page.last) for page in pages] == [
        (100, 250, False),
        (100, 250, False),
        (50, 250, True),
    ]


def test_the_rest_style_lists_what_is_of_its_location() -> None:
    alleaves = Alleaves(customers=250, orders=250, rows=5)
    rest = alleaves.client(apiStyle="rest", locationId=1001)

    customers = [each for page in rest.customers() for each in page.records]
    orders = [each for page in rest.orders(WINDOW) for each in page.records]
    (stock,) = rest.inventory("1001")

    assert [each.id for each in customers] == [str(n) for n in range(2, 251, 2)]
    assert {each.user_id for each in customers} == {"u-17"}
    assert [each.external_id for each in orders] == [str(n) for n in range(2, 251, 2)]
    assert {(each.location_id, each.user_id) for each in orders} == {("1001", "u-17")}
    assert [row.item_id for row in stock.records] == ["2", "4"]
    assert {row.location_id for row in stock.records} == {"1001"}
    for path in ("/customers", "/orders"):
        calls = [parse_qs(urlsplit(sent.url).query) for sent in alleaves.calls(path)]
        assert {call["locationId"][0] for call in calls} == {"1001"}
    assert [sent.body for sent in alleaves.calls("/inventory/search")] == [
        {"query": "", "locationId": 1001}
    ]


def test_a_single_record_of_the_rest_style_is_asked_for_at_its_location() -> None:
    alleaves = Alleaves()
    alleaves.interfere = lambda sent: ok(rest_order()) if "/order/" in sent.url else None

    (found,) = alleaves.client(apiStyle="rest", locationId="1001").order("9001").records

    assert found.location_id == "1001"
    assert alleaves.calls("/order/9001")[0].url.endswith("?locationId=1001")


@pytest.mark.parametrize("style", ["search", "rest"])
def test_either_style_may_answer_in_the_shapes_of_the_other(style: str) -> None:
    # Given a service that answers every list in the other style's shape
    alleaves = Alleaves()
    other: tuple[object, object, object] = (customer(), order(), [stock()])
    if style == "search":
        other = (rest_customer(), rest_order(), {"products": [rest_product()]})

    def interfere(sent: Sent) -> Canned | None:
        path = urlsplit(sent.url).path
        named = {"customer": ok([other[0]]), "order": ok([other[1]]), "inventory": ok(other[2])}
        return next((named[word] for word in named if f"/{word}" in path), None)

    alleaves.interfere = interfere
    client = alleaves.client(apiStyle=style)

    # When
    (customers,), (orders,) = client.customers(), client.orders(WINDOW)
    (rows,) = client.inventory("1000")

    # Then
    assert (customers.records[0].id, customers.records[0].first_name) == ("4711", "Ida")
    (found,) = orders.records
    assert (found.external_id, found.email) == ("9001", "ida.forge@example.com")
    assert (found.total_cents, found.location_id) == (4520, "1000")
    assert (rows.records[0].item_id, rows.records[0].available) == ("2001", Decimal(10))


def test_the_areas_of_a_location_are_asked_for_by_its_id() -> None:
    alleaves = Alleaves()
    alleaves.areas = [{"id_area": 9, "name": "Damaged", "id_location": 1000}]

    found = alleaves.client().areas("1000")

    assert found.value == (StockArea("9", "Damaged", sellable=False),)
    assert alleaves.calls("/inventory/area")[0].url.endswith("?id_location=1000")


def test_stock_is_one_call_for_all_rows_of_a_location() -> None:
    alleaves = Alleaves(rows=395)

    pages = list(alleaves.client().inventory("1000"))

    assert [(page.rows, page.total, page.last) for page in pages] == [(395, 395, True)]
    assert [sent.body for sent in alleaves.calls("/inventory/search")] == [
        {"query": "", "id_location": 1000}
    ]


def test_stock_that_announces_more_rows_is_paged_on() -> None:
    alleaves = Alleaves(rows=395)
    first_only = iter([ok(alleaves.stock[:300])])
    alleaves.interfere = lambda sent: next(first_only, None) if "inventory" in sent.url else None

    pages = list(alleaves.client().inventory("1000"))

    assert [(page.number, page.rows, page.last) for page in pages] == [
        (1, 300, False),
        (2, 95, True),
    ]
    assert alleaves.calls("/inventory/search")[1].body == {
        "query": "",
        "id_location": 1000,
        "skip": 300,
        "take": 95,
    }


def test_stock_that_keeps_back_what_it_announces_is_incomplete() -> None:
    alleaves = Alleaves(rows=395)
    alleaves.stock = alleaves.stock[:300]
    alleaves.interfere = lambda sent: ok(alleaves.stock) if "inventory" in sent.url else None

    with pytest.raises(ListingIncomplete, match="announced 395 inventory rows but sent 300"):
        list(alleaves.client().inventory("1000"))


def test_an_empty_stock_is_a_complete_empty_listing() -> None:
    pages = list(Alleaves().client().inventory("1000"))

    assert [(page.rows, page.last) for page in pages] == [(0, True)]


def test_a_bad_record_is_rejected_and_the_rest_goes_on() -> None:
    alleaves = Alleaves(orders=3)
    alleaves.orders[1] = order(id_order=2, total="free")

    (page,) = alleaves.client().orders(WINDOW)

    assert [record.external_id for record in page.records] == ["1", "3"]
    assert [(bad.record_id, bad.code) for bad in page.rejected] == [("alleaves_2", "bad_money")]
    assert json.loads(page.rejected[0].raw)["total"] == "free"
    assert page.rows == 3


def test_a_page_full_of_bad_records_is_no_end() -> None:
    alleaves = Alleaves(customers=150)
    alleaves.customers[:100] = [customer(id_customer=None, city=f"Town {n}") for n in range(100)]

    pages = list(alleaves.client().customers())

    assert [(len(page.records), len(page.rejected)) for page in pages] == [(0, 100), (50, 0)]
    assert isinstance(pages[0].rejected[0], Rejected)


def test_the_calls_of_a_page_are_counted_with_sign_in_and_retries() -> None:
    alleaves = Alleaves(customers=1)
    hiccup = iter([Canned(500)])
    alleaves.interfere = lambda sent: next(hiccup, None) if "customer" in sent.url else None

    (page,) = alleaves.client().customers()

    assert page.requests == len(alleaves.transport.sent) == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Canned(500), ProviderFailed),
        (Canned(409), ProviderRefused),
        (ok({"error": "Something went wrong"}), ReplyUnreadable),
        (Canned(body=b'[{"id_order": 1'), ReplyUnreadable),
    ],
)
def test_what_the_pos_gets_wrong_is_the_providers_turn(
    answer: Canned, error: type[Exception]
) -> None:
    alleaves = Alleaves(orders=1)
    alleaves.interfere = lambda sent: answer if "order" in sent.url else None

    with pytest.raises(error):
        list(alleaves.client().orders(WINDOW))


@pytest.mark.parametrize(
    ("path", "what", "lists"),
    [
        ("/auth", "signing in", lambda pos: pos.customers()),
        ("/customer/search", "customers", lambda pos: pos.customers()),
        ("/order", "orders", lambda pos: pos.orders(WINDOW)),
    ],
)
def test_a_path_that_the_pos_does_not_have_is_the_settings_to_correct(
    path: str, what: str, lists: Callable[[PosClient], Iterable[object]]
) -> None:
    alleaves = Alleaves(customers=1, orders=1)
    alleaves.interfere = lambda sent: (
        Canned(404) if urlsplit(sent.url).path == f"/api{path}" else None
    )

    with pytest.raises(ConfigurationInvalid) as refused:
        list(lists(alleaves.client()))

    assert str(refused.value) == (
        f"The POS at app.alleaves.com refused a request for {what} (404)."
        " Check baseUrl and apiStyle of Main Street in the POS settings."
    )


def test_nothing_is_called_before_the_first_page_is_wanted() -> None:
    alleaves = Alleaves(customers=1)

    alleaves.client().customers()

    assert alleaves.transport.sent == []
