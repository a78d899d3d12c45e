"""An org's figures over HTTP, from the emulator."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.spending import fold
from shared.store import order_figures
from shared.store.database import Update
from shared.store.orders import fact_of
from shared.web.routes import analytics
from tests.emulator.customers.shop import NOW, ORG, Shop
from tests.emulator.dashboard.client import DashboardClient
from tests.fakes import SteppingClock


@pytest.fixture
def sold(shop: Shop) -> Shop:
    """Two customers with a year of orders of all kinds, and one without any."""
    shop.customer("1", firstName="Ada", lastName="Quill")
    shop.customer("2", firstName="Lee", lastName="Moss")
    shop.customer("3")
    shop.order("a", "1", 100, days_ago=1, channel="retail")
    shop.order("b", "1", 50.25, days_ago=2, channel="ecom", status="ready")
    shop.order("c", "1", -20, days_ago=2, channel="retail")
    shop.order("d", "2", 30, days_ago=9, channel="retail", status="pending")
    shop.order("e", "2", 40, days_ago=9, channel="ecom", type="pickup")
    shop.order("f", "2", 70, days_ago=9, channel="retail", removedFromPosAt=NOW)
    superseded = {"ecomState": "superseded", "supersededBy": "e", "type": "delivery"}
    shop.order("g", "2", 40, days_ago=9, channel="ecom", **superseded)
    shop.order("h", "2", 11.75, days_ago=500, channel="retail")
    shop.compute()
    return shop


@pytest.fixture(params=[0, order_figures.FEW], ids=["added up by Firestore", "read"])
def dashboard(
    sold: Shop, dashboard_clock: SteppingClock, request: pytest.FixtureRequest
) -> DashboardClient:
    return DashboardClient(sold.database, ORG, dashboard_clock, few_orders=request.param)


def by(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {item[name]: item["orders"] for item in items if item["orders"]}


def test_the_orders_of_a_period_add_up_by_status_channel_and_week(
    dashboard: DashboardClient,
) -> None:
    # When
    found = dashboard.get("analytics")["orders"]

    # Then neither what the POS has no more nor what is superseded is in any figure
    assert (found["total"], found["counted"], found["leftOut"]) == (5, 3, 2)
    assert found["revenue"] == 100 + 50.25 - 20 + 40
    assert found["averageOrder"] == round(170.25 / 3, 2)
    assert by("status", found["statuses"]) == {"completed": 3, "ready": 1, "pending": 1}
    assert by("channel", found["channels"]) == {"retail": 3, "ecom": 2}
    assert {c["channel"]: c["revenue"] for c in found["channels"]} == {"retail": 80, "ecom": 90.25}
    assert len(found["weeks"]) == 13
    assert sum(week["revenue"] for week in found["weeks"]) == found["revenue"]


def test_the_customers_figures_are_those_that_are_stored(
    sold: Shop, dashboard: DashboardClient
) -> None:
    # When
    found = dashboard.get("analytics")

    # Then
    people = found["customers"]
    assert (people["total"], people["withOrders"], people["withOrdersShare"]) == (3, 2, 0.6667)
    stored = [sold.read(each)["totalSpent"] for each in ("1", "2", "3")]
    assert people["totalSpent"] == sum(stored)
    assert people["averageSpent"] == round(sum(stored) / 2, 2)
    assert people["topSpender"] == {
        "id": "1",
        "firstName": "Ada",
        "lastName": "Quill",
        "totalSpent": stored[0],
    }
    assert sum(each["customers"] for each in found["segments"]) == 3
    assert found["timezone"] == "America/New_York"


@pytest.mark.parametrize("odd", [{"status": None}, {"channel": None}])
def test_orders_of_no_known_kind_are_read_and_count_by_the_same_rule(
    sold: Shop, dashboard: DashboardClient, odd: dict[str, None]
) -> None:
    # Given a sale in the store that another program wrote
    sold.order("odd", "1", 5, days_ago=3, channel="retail")
    sold.database.commit([Update(f"tenants/{ORG}/orders/odd", odd)])
    # When
    found = dashboard.get("analytics")["orders"]
    # Then
    stored = filter(None, map(fact_of, sold.database.query(f"tenants/{ORG}/orders")))
    spent = fold(order for order in stored if NOW - order.created_at < timedelta(weeks=13))
    assert found["revenue"] == spent.total_cents / 100 == 175.25
    assert (found["total"], found["counted"], found["leftOut"]) == (6, spent.order_count, 2)


def test_however_the_orders_are_added_up_the_figures_are_the_same(
    sold: Shop, dashboard_clock: SteppingClock
) -> None:
    # Given more orders than one for each query, two of them set aside
    for number in range(60):
        channel, status = ("ecom", "ready") if number % 3 else ("retail", "cancelled")
        sold.order(
            f"more-{number}", "1", number + 0.37, days_ago=number, channel=channel, status=status
        )
    unmatched = {"ecomState": "unmatched", "channel": "ecom"}
    sold.order("no-one", "2", 12, days_ago=3, **unmatched)

    # When they are added up by Firestore, all but those set aside, and read
    found = [
        DashboardClient(sold.database, ORG, dashboard_clock, few_orders=few).get("analytics")
        for few in (0, 1, order_figures.FEW)
    ]

    # Then
    assert found[0] == found[1] == found[2]
    assert found[0]["orders"]["leftOut"] == 3


@pytest.mark.parametrize("dashboard", [0], indirect=True)
def test_what_adding_up_costs_does_not_grow_with_the_orders(
    sold: Shop, dashboard: DashboardClient, dashboard_clock: SteppingClock
) -> None:
    # Given
    def cost() -> int:
        before = sold.database.meter.reads
        dashboard.get("analytics", **{"from": "2026-03-09", "to": "2026-03-15"})
        return sold.database.meter.reads - before

    few = cost()
    for number in range(60):
        sold.order(f"more-{number}", "1", 10, days_ago=5, channel="retail")
    dashboard_clock.advance(analytics.KEPT_SECONDS + 1)
    # Then
    assert cost() == few


def test_an_unchanged_org_is_answered_from_memory(sold: Shop, dashboard: DashboardClient) -> None:
    # Given
    first = dashboard.reply("analytics")
    before = sold.database.meter.reads
    # When
    again = dashboard.reply("analytics", if_none_match=first.headers["ETag"])
    # Then
    assert again.status_code == 304
    assert sold.database.meter.reads == before


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "after the last day"),
        ({"from": "2024-03-02", "to": "2026-03-01"}, "at most 366 days"),
        ({"from": "yesterday"}, "from"),
    ],
)
def test_days_that_make_no_period_are_refused(
    dashboard: DashboardClient, days: dict[str, str], says: str
) -> None:
    reply = dashboard.reply("analytics", **days)
    assert reply.status_code == 400
    assert says in reply.json["error"]["message"]


def test_orders_are_listed_by_status_channel_and_days(dashboard: DashboardClient) -> None:
    def listed(**query: str) -> list[str]:
        return [order["id"] for order in dashboard.all_of("orders", limit=1, **query)]

    day = f"{NOW:%Y-%m-%d}"
    assert set(listed(status="completed", channel="ecom")) == {"e", "g"}
    assert listed(channel="ecom")[0] == "b"
    assert listed(**{"from": day}) == []
    assert set(listed(to=day)) == set("abcdefgh")


def test_one_order_says_whether_it_counts(dashboard: DashboardClient) -> None:
    counting = {order_id: dashboard.get(f"orders/{order_id}")["counts"] for order_id in "abcdefgh"}
    assert {order_id for order_id, counts in counting.items() if counts} == set("abceh")
    assert dashboard.reply("orders/nothing").status_code == 404
