"""The console's pages about customers, orders, the menu, loyalty and analytics, as HTML."""

import re
from html import unescape
from typing import Any

import pytest

from tests.emulator.customers.shop import NOW, ORG, Shop
from tests.emulator.dashboard.client import DashboardClient
from tests.fakes import SteppingClock

LISTS = (
    *("customers", "orders", "orders/skipped", "menu", "menu/expiring", "loyalty", "analytics"),
    *("customers?q=nobody", "orders?status=cancelled", "menu?q=nothing"),
)
OWN = ("customers/1", "customers/2", "orders/a", "orders/c", "menu/10")
_TAG = re.compile(r"<[^>]+>")


@pytest.fixture
def stocked(full_shop: Shop) -> Shop:
    """The full shop with a product on sale, which was once dearer."""
    fields: dict[str, Any] = {
        "name": "Blue Drift",
        "priceSource": "otd",
        "quantity": 3,
        "isOnSale": True,
        "salePrice": 15.0,
        "saleBadgeText": "25% OFF",
        "stock": {"1000": {"available": True, "quantity": 3, "price": 20.0}},
    }
    full_shop.product("10", "Flower", 20.0, **fields)
    product = full_shop.client.document(f"tenants/{ORG}/products/10")
    product.set({"id": "10", "category": "Flower", "price": 20.0, "available": True, **fields})
    product.collection("price_history").document("a").set(
        {
            "price": 20.0,
            "previousPrice": 25.5,
            "priceSource": "otd",
            "cost": None,
            "previousCost": None,
            "changedAt": NOW,
            "previousSince": NOW,
        }
    )
    full_shop.compute()
    return full_shop


@pytest.fixture
def dashboard(stocked: Shop, dashboard_clock: SteppingClock) -> DashboardClient:
    return DashboardClient(stocked.database, ORG, dashboard_clock)


@pytest.fixture
def new_org(stocked: Shop, dashboard_clock: SteppingClock) -> DashboardClient:
    return DashboardClient(stocked.database, "org_new", dashboard_clock)


def text_of(page: str) -> str:
    """What a page says, without its tags and spaces between."""
    return " ".join(unescape(_TAG.sub(" ", page.partition("<main")[2])).split())


@pytest.mark.parametrize("path", [*LISTS, *OWN, *(f"{path}/why" for path in OWN)])
def test_every_page_of_a_store_is_shown(dashboard: DashboardClient, path: str) -> None:
    page = dashboard.page(path)
    assert "<h1>" in page
    assert not re.search(r"\bNone\b(?! of)", text_of(page))
    assert len(page) < 60 * 1024


@pytest.mark.parametrize("path", LISTS)
def test_every_list_of_a_new_org_says_what_to_do(new_org: DashboardClient, path: str) -> None:
    said = text_of(new_org.page(path))
    assert re.search(r"Start|Show|Choose|Clear|Look", said), said


@pytest.mark.parametrize("path", ["customers/nobody", "orders/nothing", "menu/nothing"])
def test_what_is_not_there_is_said_in_words(dashboard: DashboardClient, path: str) -> None:
    assert "There is nothing here" in dashboard.page(path, status=404)


def test_a_customers_page_has_the_figures_and_the_reason_that_are_stored(
    stocked: Shop, dashboard: DashboardClient
) -> None:
    # Given
    stored = stocked.read("1")
    # When
    said = text_of(dashboard.page("customers/1"))
    # Then
    assert f"${stored['totalSpent']:,.2f}" in said
    assert stored["segmentReason"] in said
    assert "ada@example.com" in said
    assert "No points yet" in said


def test_a_customer_who_is_no_one_else_is_not_said_to_be(dashboard: DashboardClient) -> None:
    assert "same person" not in text_of(dashboard.page("customers/1"))


def test_every_figure_of_the_analytics_leads_to_the_list_behind_it(
    dashboard: DashboardClient,
) -> None:
    # Given
    figures = dashboard.get("analytics")
    days = f"from={figures['from']}&to={figures['to']}"
    # When
    page = unescape(dashboard.page("analytics"))
    # Then
    assert f"${figures['orders']['revenue']:,.2f}" in page
    assert f"/orgs/{ORG}/orders?{days}&status=completed" in page
    assert f"/orgs/{ORG}/customers?segment=churned" in page
    top = figures["customers"]["topSpender"]["id"]
    assert f'href="/orgs/{ORG}/customers/{top}"' in page


def test_an_order_that_does_not_count_says_why(dashboard: DashboardClient) -> None:
    said = text_of(dashboard.page("orders/c"))
    assert "counts for nothing: only completed and ready orders are spending" in said
    assert "this one is pending" in said


def test_a_products_page_tells_where_its_price_is_from_and_how_it_has_changed(
    dashboard: DashboardClient,
) -> None:
    said = text_of(dashboard.page("menu/10"))
    assert "$20.00 Tax included" in said
    assert "$25.50" in said
    assert "25% OFF" in said


def test_what_people_have_typed_is_never_markup(
    stocked: Shop, dashboard: DashboardClient, dashboard_clock: SteppingClock
) -> None:
    # Given
    stocked.customer("66", firstName="<script>alert(1)</script>", lastName="Mallory")
    stocked.compute("66")
    dashboard_clock.advance(2)
    # Then
    for page in (dashboard.page("customers?q=mallory"), dashboard.page("customers/66")):
        assert "alert(1)" in page
        assert "<script>alert" not in page


def test_a_customers_reasons_name_each_order_and_the_rule_that_decides(
    dashboard: DashboardClient,
) -> None:
    said = text_of(dashboard.page("customers/1/why"))
    assert "(decides)" in said
    assert "Counts" in said
    assert "Does not count" in said
