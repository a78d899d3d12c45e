"""Customers page by page: order, cursors, search."""

from typing import Any

import pytest

from tests.emulator.customers.shop import ORG, Shop
from tests.emulator.dashboard.client import DashboardClient, ids
from tests.emulator.dashboard.people import EVERYBODY
from tests.fakes import SteppingClock


@pytest.mark.parametrize("limit", [1, 4, 50])
@pytest.mark.parametrize("segment", [None, "at_risk", "returning"])
@pytest.mark.parametrize(
    "sort", ["-totalSpent", "totalSpent", "-lastOrderDate", "lastOrderDate", "-orderCount"]
)
def test_every_list_is_whole_and_in_order_whatever_the_size_of_its_pages(
    full_shop: Shop, dashboard: DashboardClient, sort: str, segment: str | None, limit: int
) -> None:
    # Given
    field, down = sort.removeprefix("-"), sort.startswith("-")
    stored = {i: fields for i in EVERYBODY if field in (fields := full_shop.read(i))}
    expected = [i for i in stored if segment in (None, stored[i]["segment"])]
    expected.sort(key=lambda i: (stored[i][field], i), reverse=down)
    # When
    query = {"segment": segment} if segment else {}
    found = dashboard.all_of("customers", sort=sort, limit=limit, **query)
    # Then
    assert ids(found) == expected
    assert expected


def test_what_changes_meanwhile_shows_nothing_twice_and_hides_nobody(
    full_shop: Shop, dashboard: DashboardClient, dashboard_clock: SteppingClock
) -> None:
    # Given
    first = dashboard.get("customers", limit=5)
    # When: the last one shown goes away, another jumps to the top, a new one comes in
    full_shop.client.document(f"tenants/{ORG}/customers/{first['items'][-1]['id']}").delete()
    full_shop.order("big", "111", 5000, days_ago=0)
    full_shop.customer("99")
    full_shop.compute("111", "99")
    dashboard_clock.advance(2)
    later: list[str] = []
    page = first
    while cursor := page.get("nextCursor"):
        page = dashboard.get("customers", limit=5, cursor=cursor)
        later += ids(page["items"])
    # Then
    shown = ids(first["items"])
    assert not set(later) & (set(shown) - {"111"})
    assert {*shown, *later} >= {*EVERYBODY, "99"}


def test_by_last_name_come_those_who_have_one(dashboard: DashboardClient) -> None:
    assert ids(dashboard.all_of("customers", sort="lastName", limit=1)) == ["3", "10", "1", "2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ad", ["1", "2", "3"]),
        ("ADA L", ["1"]),
        (" lovelace", ["1"]),
        ("lee", ["10"]),
        ("noor@", ["3"]),
        ("Ada@Example.com", ["1"]),
        ("518.555.0123", ["1"]),
        ("+1 212 555 0100", ["10"]),
        ("10", ["10"]),
        ("no-email@", []),
        ("nobody", []),
    ],
)
def test_a_search_finds_names_e_mails_numbers_and_ids(
    dashboard: DashboardClient, query: str, found: list[str]
) -> None:
    assert ids(dashboard.all_of("customers", q=query, limit=1)) == found


def test_a_search_within_a_segment(dashboard: DashboardClient) -> None:
    assert ids(dashboard.all_of("customers", q="ada", segment="new")) == ["1", "2", "3"]
    assert dashboard.all_of("customers", q="ada", segment="vip") == []


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "x"},
        {"cursor": "bnVsbA"},
        {"cursor": "W10"},
        {"cursor": "of another listing"},
        {"sort": "password"},
        {"segment": "rich"},
        {"limit": 0},
        {"limit": 1000},
        {"q": " "},
    ],
)
def test_what_makes_no_sense_is_refused(dashboard: DashboardClient, query: dict[str, Any]) -> None:
    # Given
    if query.get("cursor") == "of another listing":
        query = {"cursor": dashboard.get("customers", sort="totalSpent", limit=1)["nextCursor"]}
    # When
    reply = dashboard.reply("customers", **query)
    # Then
    assert reply.status_code == 400, reply.text
    assert reply.json["error"]["code"] == "request_invalid"


def test_a_page_costs_as_many_reads_as_it_has_customers(
    full_shop: Shop, dashboard: DashboardClient
) -> None:
    # Given
    dashboard.get("segments")
    before = full_shop.database.meter.reads
    # When
    dashboard.get("customers", limit=7)
    # Then
    assert full_shop.database.meter.reads - before == 8
