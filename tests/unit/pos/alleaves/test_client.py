"""Alleaves as a point of sale: what is asked of it, and what comes of the answers."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.errors import ListingIncomplete, ProviderFailed, ProviderRefused, ReplyUnreadable
from shared.pos.port import Rejected
from tests.unit.pos.alleaves.rows import customer, order
from tests.unit.pos.alleaves.service import WINDOW, Alleaves
from tests.unit.pos.fakes import Canned, ok


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

    pages = list(alleaves.client().customers(start_page=3))

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


def test_the_rest_style_gives_the_same_records() -> None:
    alleaves = Alleaves(customers=120, orders=120, rows=5)
    search, rest = alleaves.client(), alleaves.client(apiStyle="rest")

    assert list(rest.customers())[1].records == list(search.customers())[1].records
    assert list(rest.orders(WINDOW))[1].records == list(search.orders(WINDOW))[1].records
    assert next(rest.inventory("1000")).records == next(search.inventory("1000")).records
    assert alleaves.calls("/customers")
    assert alleaves.calls("/orders")


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
        (Canned(404), ProviderRefused),
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


def test_nothing_is_called_before_the_first_page_is_wanted() -> None:
    alleaves = Alleaves(customers=1)

    alleaves.client().customers()

    assert alleaves.transport.sent == []
