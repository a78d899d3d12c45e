"""Reads for dashboards: one customer, orders, segments, and how long answers are kept."""

from datetime import timedelta

from shared.store import paths
from tests.emulator.customers.shop import ORG, Shop
from tests.emulator.dashboard.client import DashboardClient, ids
from tests.emulator.dashboard.people import EVERYBODY
from tests.fakes import SteppingClock


def test_a_customer_in_a_list_has_figures_and_no_placeholder(dashboard: DashboardClient) -> None:
    # When
    [ada] = dashboard.get("customers", q="ada l")["items"]
    [lee] = dashboard.get("customers", q="lee")["items"]
    # Then
    assert ada == {
        "id": "1",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "email": "ada@example.com",
        "phone": "(518) 555-0123",
        "segment": "new",
        "segmentReason": "1 order (under 2), last order 2 days before 2026-03-18",
        "totalSpent": 80,
        "orderCount": 1,
        "avgOrderValue": 80,
        "firstOrderDate": "2026-03-16T15:00:00Z",
        "lastOrderDate": "2026-03-16T15:00:00Z",
        "predictedLifetimeValue": 560,
    }
    assert "email" not in lee


def test_one_customer_comes_with_all_that_is_known(
    full_shop: Shop, dashboard: DashboardClient
) -> None:
    # Given: a second record of the same person, and a menu that has changed since
    full_shop.customer("12", email="ada@example.com")
    full_shop.order("d", "12", 20)
    full_shop.product("10", "Flower", 45, name="Pine", imageUrl="https://example.com/p.png")
    full_shop.product("11", "Flower", 40, name="Oak")
    full_shop.compute()
    full_shop.product("11", "Flower", 40, name="Oak", available=False)
    # When
    found = dashboard.get("customers/1")
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
    assert found["preferences"]["source"] == "orders"
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
    assert dashboard.get("customers/12")["duplicateOf"] == "1"


def test_preferences_of_the_pos_s_own_summary_say_so(shop: Shop) -> None:
    # Given
    said = {"favoriteCategory": "Edibles", "priceBand": "budget"}
    shop.customer("1", email="ada@example.com", posPreferences=said)
    shop.compute("1")
    # When
    found = DashboardClient(shop.database, ORG, SteppingClock()).get("customers/1")
    # Then
    assert found["preferences"] == {
        "source": "pos",
        "favoriteCategory": "Edibles",
        "categories": ["Edibles"],
        "products": [],
        "priceBand": "budget",
    }


def test_figures_that_were_never_computed_are_those_of_the_orders(shop: Shop) -> None:
    # Given
    shop.customer("1")
    shop.order("a", "1", 30)
    # When / Then
    assert (
        DashboardClient(shop.database, ORG, SteppingClock()).get("customers/1")["totalSpent"] == 30
    )


def test_orders_come_latest_first_of_all_or_of_one_customer(dashboard: DashboardClient) -> None:
    # When
    everybodys = dashboard.all_of("orders", limit=4)
    # Then
    times = [order["createdAt"] for order in everybodys]
    assert times == sorted(times, reverse=True)
    assert len(everybodys) == 3 + sum(number % 4 for number in range(100, 112))
    assert ids(dashboard.all_of("customers/1/orders", limit=1)) == ["c", "b", "a"]
    assert ids(dashboard.all_of("orders", status="pending")) == ["c"]
    [order] = dashboard.get("customers/1/orders", limit=3)["items"][2:]
    assert order["items"] == [
        {"productId": "10", "name": "P10", "category": "Flower", "quantity": 1, "price": 10}
    ]
    assert (order["total"], order["createdAt"]) == (100, "2026-03-16T15:00:00Z")


def test_segments_are_counted_and_their_revenue_summed(
    full_shop: Shop, dashboard: DashboardClient
) -> None:
    # Given
    stored = [full_shop.read(i) for i in EVERYBODY]
    before = full_shop.database.meter.reads
    # When
    found = dashboard.get("segments")
    # Then
    assert full_shop.database.meter.reads - before <= 8
    for each in found["segments"]:
        theirs = [c["totalSpent"] for c in stored if c["segment"] == each["segment"]]
        assert (each["customers"], each["revenue"]) == (len(theirs), sum(theirs))
    assert [each["segment"] for each in found["segments"]] == [
        *("new", "vip", "loyal", "churned", "at_risk", "returning")
    ]
    assert (found["customers"], found["revenue"]) == (17, 80 + 50 * 18)


def test_an_answer_is_kept_until_the_data_change(
    full_shop: Shop, dashboard: DashboardClient, dashboard_clock: SteppingClock
) -> None:
    # Given
    paths = ("customers", "customers/1", "customers/1/orders", "orders", "segments")
    before = [dashboard.get(path) for path in paths]
    reads = full_shop.database.meter.reads
    # When nothing has changed, some time later
    dashboard_clock.advance(100)
    # Then it costs two reads, once a second, to know that
    assert [dashboard.get(path) for path in paths] == before
    assert full_shop.database.meter.reads - reads == 2
    # When an order has come in, and its customer's spending is computed
    full_shop.clock.advance(timedelta(minutes=1))
    full_shop.order("new", "1", 70, days_ago=0)
    full_shop.compute("1")
    dashboard_clock.advance(2)
    # Then every answer is a new one
    for path, old in zip(paths, before, strict=True):
        assert dashboard.get(path) != old, path


def test_an_answer_is_dropped_when_a_sync_has_ended_and_when_it_is_old(
    full_shop: Shop, dashboard: DashboardClient, dashboard_clock: SteppingClock
) -> None:
    # Given
    name = full_shop.client.document(f"tenants/{ORG}/customers/1")
    dashboard.get("customers/1")
    # When a sync that changed a name has ended
    name.update({"firstName": "Augusta"})
    full_shop.client.document(paths.lease(ORG)).set({"epoch": 1})
    dashboard_clock.advance(2)
    # Then
    assert dashboard.get("customers/1")["firstName"] == "Augusta"
    # When it is changed by hand, which changes no version
    name.update({"firstName": "Ada"})
    dashboard_clock.advance(290)
    assert dashboard.get("customers/1")["firstName"] == "Augusta"
    dashboard_clock.advance(20)
    # Then it shows after five minutes
    assert dashboard.get("customers/1")["firstName"] == "Ada"


def test_an_unchanged_answer_keeps_its_etag(dashboard: DashboardClient) -> None:
    # Given
    reply = dashboard.reply("customers")
    assert reply.headers["Cache-Control"] == "private, max-age=0"
    # When / Then
    assert dashboard.reply("customers").headers["ETag"] == reply.headers["ETag"]


def test_only_those_who_work_there_see_it_and_only_what_is_there(
    dashboard: DashboardClient,
) -> None:
    for path in ("customers", "customers/1", "customers/1/orders", "orders", "segments"):
        assert dashboard.reply(path, signed_in_at="org_other").status_code == 403
    assert dashboard.reply("customers/404").status_code == 404
    assert dashboard.reply("customers/404/orders").status_code == 404
