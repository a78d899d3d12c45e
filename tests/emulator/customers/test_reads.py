"""Reads for dashboards: lists page by page, search, one customer, orders, segments (issue 4)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.emulator.customers.desk import Desk
from tests.emulator.customers.shop import ORG, Shop

PEOPLE = {
    "1": ("Ada", "Lovelace", "ada@example.com", "(518) 555-0123"),
    "2": ("Ada", "Zimmer", "zimmer@example.com", None),
    "3": ("Noor", "Adams", "noor@example.com", None),
    "10": ("Lee", "Lee", "no-email@alleaves.local", "212-555-0100"),
    "11": ("", "", "no-email@alleaves.local", None),
}


@pytest.fixture
def full(shop: Shop) -> Shop:
    """Five customers with names, and twelve that are told apart by their figures alone."""
    for customer_id, (first, last, email, phone) in PEOPLE.items():
        fields = {"firstName": first, "lastName": last, "email": email, "phone": phone}
        shop.customer(customer_id, **fields)
    for number in range(100, 112):
        shop.customer(str(number))
        for order in range(number % 4):
            shop.order(f"{number}-{order}", str(number), 50, days_ago=5 * (number - 98) + order)
    shop.order("a", "1", 100, ("10", "Flower", 1), days_ago=2)
    shop.order("b", "1", -20, days_ago=1)
    shop.order("c", "1", 30, days_ago=0, status="pending")
    shop.compute()
    return shop


@pytest.fixture
def desk(full: Shop) -> Desk:
    return Desk(full.database, ORG)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


@pytest.mark.parametrize("limit", [1, 4, 50])
@pytest.mark.parametrize("segment", [None, "at_risk", "returning"])
@pytest.mark.parametrize(
    "sort", ["-totalSpent", "totalSpent", "-lastOrderDate", "lastOrderDate", "-orderCount"]
)
def test_every_list_is_whole_and_in_order_whatever_the_size_of_its_pages(
    full: Shop, desk: Desk, sort: str, segment: str | None, limit: int
) -> None:
    # Given
    field, down = sort.removeprefix("-"), sort.startswith("-")
    everybody = [*PEOPLE, *map(str, range(100, 112))]
    stored = {i: fields for i in everybody if field in (fields := full.read(i))}
    expected = [i for i in stored if segment in (None, stored[i]["segment"])]
    expected.sort(key=lambda i: (stored[i][field], i), reverse=down)
    # When
    query = {"segment": segment} if segment else {}
    found = desk.all_of("customers", sort=sort, limit=limit, **query)
    # Then
    assert ids(found) == expected
    assert expected


def test_what_changes_meanwhile_shows_nothing_twice_and_hides_nobody(
    full: Shop, desk: Desk
) -> None:
    # Given
    first = desk.get("customers", limit=5)
    # When: the last one shown goes away, somebody jumps to the top, somebody new comes in
    full.client.document(f"tenants/{ORG}/customers/{first['items'][-1]['id']}").delete()
    full.order("big", "111", 5000, days_ago=0)
    full.customer("99")
    full.compute("111", "99")
    desk.now += 2
    later: list[str] = []
    page = first
    while cursor := page.get("nextCursor"):
        page = desk.get("customers", limit=5, cursor=cursor)
        later += ids(page["items"])
    # Then
    shown = ids(first["items"])
    assert not set(later) & (set(shown) - {"111"})
    assert {*shown, *later} >= {*PEOPLE, "99", *map(str, range(100, 112))}


def test_by_last_name_come_those_who_have_one(desk: Desk) -> None:
    assert ids(desk.all_of("customers", sort="lastName", limit=1)) == ["3", "10", "1", "2"]


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
    desk: Desk, query: str, found: list[str]
) -> None:
    assert ids(desk.all_of("customers", q=query, limit=1)) == found


def test_a_search_within_a_segment(desk: Desk) -> None:
    assert ids(desk.all_of("customers", q="ada", segment="new")) == ["1", "2", "3"]
    assert desk.all_of("customers", q="ada", segment="vip") == []


def test_a_customer_in_a_list_has_figures_and_no_placeholder(desk: Desk) -> None:
    # When
    [ada] = desk.get("customers", q="ada l")["items"]
    [lee] = desk.get("customers", q="lee")["items"]
    # Then
    assert ada == {
        "id": "1",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "email": "ada@example.com",
        "phone": "(518) 555-0123",
        "segment": "new",
        "segmentReason": "1 orders (under 2), last order 2 days before 2026-03-18",
        "totalSpent": 80,
        "orderCount": 1,
        "avgOrderValue": 80,
        "firstOrderDate": "2026-03-16T15:00:00Z",
        "lastOrderDate": "2026-03-16T15:00:00Z",
        "predictedLifetimeValue": 560,
    }
    assert "email" not in lee


def test_one_customer_comes_with_all_that_is_known(full: Shop, desk: Desk) -> None:
    # Given: a second record of the same person, and a menu that has changed since
    full.customer("12", email="ada@example.com")
    full.order("d", "12", 20)
    full.product("10", "Flower", 45, name="Pine", imageUrl="https://example.com/p.png")
    full.product("11", "Flower", 40, name="Oak")
    full.compute()
    full.product("11", "Flower", 40, name="Oak", available=False)
    # When
    found = desk.get("customers/1")
    # Then
    assert found["totalSpent"] == 80
    assert found["person"] == {
        "customerIds": ["1", "12"],
        "totalSpent": 100,
        "orderCount": 2,
        "avgOrderValue": 50,
        "firstOrderDate": "2026-03-08T15:00:00Z",
        "lastOrderDate": "2026-03-16T15:00:00Z",
    }
    assert found["duplicateIds"] == ["12"]
    assert found["preferences"]["favoriteCategory"] == "Flower"
    assert found["rfm"]["recencyDays"] == 2
    assert found["rfm"]["quantiles"].keys() == {"recency", "frequency", "monetary", "asOf"}
    assert found["recommendations"] == [
        {
            "productId": "10",
            "score": 30,
            "name": "Pine",
            "category": "Flower",
            "price": 45,
            "imageUrl": "https://example.com/p.png",
        }
    ]
    assert desk.get("customers/12")["duplicateOf"] == "1"


def test_figures_that_were_never_computed_are_those_of_the_orders(shop: Shop) -> None:
    # Given
    shop.customer("1")
    shop.order("a", "1", 30)
    # When / Then
    assert Desk(shop.database, ORG).get("customers/1")["totalSpent"] == 30


def test_orders_come_latest_first_of_all_or_of_one_customer(desk: Desk) -> None:
    # When
    everybodys = desk.all_of("orders", limit=4)
    # Then
    times = [order["createdAt"] for order in everybodys]
    assert times == sorted(times, reverse=True)
    assert len(everybodys) == 3 + sum(number % 4 for number in range(100, 112))
    assert ids(desk.all_of("customers/1/orders", limit=1)) == ["c", "b", "a"]
    assert ids(desk.all_of("orders", status="pending")) == ["c"]
    [order] = desk.get("customers/1/orders", limit=3)["items"][2:]
    assert order["items"] == [
        {"productId": "10", "name": "P10", "category": "Flower", "quantity": 1, "price": 10}
    ]
    assert (order["total"], order["createdAt"]) == (100, "2026-03-16T15:00:00Z")


def test_segments_are_counted_and_their_revenue_summed(full: Shop, desk: Desk) -> None:
    # Given
    stored = [full.read(i) for i in (*PEOPLE, *map(str, range(100, 112)))]
    before = full.database.meter.reads
    # When
    found = desk.get("segments")
    # Then
    assert full.database.meter.reads - before <= 8
    for each in found["segments"]:
        theirs = [c["totalSpent"] for c in stored if c["segment"] == each["segment"]]
        assert (each["customers"], each["revenue"]) == (len(theirs), sum(theirs))
    assert [each["segment"] for each in found["segments"]] == [
        *("new", "vip", "loyal", "churned", "at_risk", "returning")
    ]
    assert (found["customers"], found["revenue"]) == (17, 80 + 50 * 18)


def test_an_answer_is_kept_until_the_data_change(full: Shop, desk: Desk) -> None:
    # Given
    paths = ("customers", "customers/1", "customers/1/orders", "orders", "segments")
    before = [desk.get(path) for path in paths]
    reads = full.database.meter.reads
    # When nothing has changed, some time later
    desk.now += 100
    # Then it costs two reads, once a second, to know that
    assert [desk.get(path) for path in paths] == before
    assert full.database.meter.reads - reads == 2
    # When an order has come in, and its customer's spending is computed
    full.now += timedelta(minutes=1)
    full.order("new", "1", 70, days_ago=0)
    full.compute("1")
    desk.now += 2
    # Then every answer is a new one
    for path, old in zip(paths, before, strict=True):
        assert desk.get(path) != old, path


def test_an_answer_is_dropped_when_a_sync_has_ended_and_when_it_is_old(
    full: Shop, desk: Desk
) -> None:
    # Given
    name = full.client.document(f"tenants/{ORG}/customers/1")
    desk.get("customers/1")
    # When a sync that changed a name has ended
    name.update({"firstName": "Augusta"})
    full.client.document(f"tenants/{ORG}/integrations/pos").set({"status": "active"})
    desk.now += 2
    # Then
    assert desk.get("customers/1")["firstName"] == "Augusta"
    # When somebody changes it by hand, which changes no version
    name.update({"firstName": "Ada"})
    desk.now += 290
    assert desk.get("customers/1")["firstName"] == "Augusta"
    desk.now += 20
    # Then it shows after five minutes
    assert desk.get("customers/1")["firstName"] == "Ada"


def test_a_caller_who_has_the_answer_is_told_so(desk: Desk) -> None:
    # Given
    reply = desk.reply("customers")
    assert reply.headers["Cache-Control"] == "private, max-age=0"
    # When / Then
    assert desk.reply("customers").headers["ETag"] == reply.headers["ETag"]


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
def test_what_makes_no_sense_is_refused(desk: Desk, query: dict[str, Any]) -> None:
    # Given
    if query.get("cursor") == "of another listing":
        query = {"cursor": desk.get("customers", sort="totalSpent", limit=1)["nextCursor"]}
    # When
    reply = desk.reply("customers", **query)
    # Then
    assert reply.status_code == 400, reply.text
    assert reply.json["error"]["code"] == "request_invalid"


def test_only_those_who_work_there_see_it_and_only_what_is_there(desk: Desk) -> None:
    for path in ("customers", "customers/1", "customers/1/orders", "orders", "segments"):
        assert desk.reply(path, token="org_other").status_code == 403
    assert desk.reply("customers/404").status_code == 404
    assert desk.reply("customers/404/orders").status_code == 404


def test_a_page_costs_as_many_reads_as_it_has_customers(full: Shop, desk: Desk) -> None:
    # Given
    desk.get("segments")
    before = full.database.meter.reads
    # When
    desk.get("customers", limit=7)
    # Then
    assert full.database.meter.reads - before == 8
