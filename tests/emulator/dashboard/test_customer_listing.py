"""Customers page by page: order, cursors, search."""

from typing import Any

import pytest
from google.cloud import firestore

from shared.services.spending.look_up import SpendingLookUp
from shared.store.database import Database
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
        {"email": "ada"},
        {"email": "ada@till.local"},
        {"email": "ada@example.com", "q": "ada"},
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


@pytest.mark.parametrize("email", ["zimmer@example.com", " Zimmer@Example.COM "])
def test_a_customer_is_found_by_the_whole_e_mail(dashboard: DashboardClient, email: str) -> None:
    # When
    found = dashboard.get("customers", email=email)
    # Then: as in any other list, with what all who have the e-mail have spent
    assert found["items"] == dashboard.get("customers", q="zimmer")["items"]
    assert found["together"] == {
        "customerIds": ["2"],
        "totalSpent": 0,
        "orderCount": 0,
        "avgOrderValue": 0,
    }
    assert dashboard.get("customers", email="zimmer@example.co") == {"items": []}


def test_records_that_share_an_e_mail_are_listed_page_by_page_with_their_sum(
    full_shop: Shop, dashboard: DashboardClient
) -> None:
    # Given a second record of Ada's, which was never computed
    full_shop.customer("12", email="ada@example.com")
    full_shop.order("d", "12", 20)
    # When
    first = dashboard.get("customers", email="ada@example.com", limit=1)
    # Then nobody's figures are missing, and the sum is that of the spending under the e-mail
    whole = dashboard.all_of("customers", email="ada@example.com", limit=1)
    assert [(each["id"], each["totalSpent"]) for each in whole] == [("1", 80), ("12", 20)]
    assert first["together"]["totalSpent"] == 80
    # When they are computed
    full_shop.clock.advance(60)
    full_shop.compute("1", "12")
    again = DashboardClient(full_shop.database, ORG, SteppingClock())
    together = again.get("customers", email="ada@example.com")["together"]
    # Then
    assert (together["totalSpent"], together["customerIds"]) == (100, ["1", "12"])
    assert again.all_of("customers", email="ada@example.com", segment="vip") == []


def test_the_placeholder_is_no_e_mail_to_look_for(dashboard: DashboardClient) -> None:
    # When
    reply = dashboard.reply("customers", email="No-Email@alleaves.local")
    # Then
    assert reply.status_code == 400
    assert reply.json["error"]["message"] == (
        "email: stands for customers without an e-mail, and names nobody"
    )


def test_spending_that_is_not_found_in_time_is_unknown_never_zero(
    shop: Shop, silent_database: Database
) -> None:
    # Given customers with orders, of whom one was computed, and look-ups that nobody answers
    shop.customer("1", email="ada@example.com")
    shop.customer("2", email="ada@example.com")
    for number in "12":
        shop.order(number, number, 50)
    shop.compute("1")
    shop.client.document(f"tenants/{ORG}/customers/2").update(
        {"totalSpent": firestore.DELETE_FIELD}
    )
    look_up = SpendingLookUp(silent_database, seconds=0.3)
    dashboard = DashboardClient(shop.database, ORG, SteppingClock(), look_up)
    figures = {"totalSpent", "orderCount", "avgOrderValue", "lastOrderDate"}

    # When
    found = dashboard.get("customers", email="ada@example.com")
    [computed, missing] = found["items"]
    one = dashboard.get("customers/2")

    # Then
    assert (computed["totalSpent"], "spending" in computed) == (50, False)
    for unknown in (missing, found["together"], one, one["person"]):
        assert unknown["spending"] == "unknown"
        assert not unknown.keys() & figures
    assert one["person"]["customerIds"] == ["1", "2"]

    # and the next time it is tried again
    assert dashboard.answers.statistics().size == 0
