"""The store's pages in a real browser: reading without JavaScript, figures, looking up."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shared.console.pages.parameters import ROWS
from tests.e2e.console.cloud import DIFFERING, ORG, ConsoleCloud

SignedIn = Callable[..., Page]


@pytest.fixture
def best(console: ConsoleCloud) -> dict[str, Any]:
    """The customer who has spent the most, as Firestore has them."""
    stored = console.store.documents(f"tenants/{ORG}/customers")
    customer_id = max(stored, key=lambda each: float(stored[each].get("totalSpent", 0)))
    return {**stored[customer_id], "id": customer_id}


def test_a_customers_own_page_has_the_figures_of_firestore_without_javascript(
    best: dict[str, Any], signed_in: SignedIn
) -> None:
    page = signed_in("dispensary_admin", script=False)

    page.goto(f"/orgs/{ORG}/customers/{best['id']}")

    main = page.get_by_role("main")
    expect(main).to_contain_text(f"${best['totalSpent']:,.2f}")
    expect(main).to_contain_text(best["segmentReason"])
    expect(page.get_by_role("button", name="Look up now")).to_be_hidden()
    rows = page.get_by_role("table", name="List of orders").locator("tbody tr")
    assert 0 < rows.count() <= 10


def test_points_are_looked_up_without_leaving_the_page(
    best: dict[str, Any], signed_in: SignedIn
) -> None:
    # Given
    page = signed_in("dispensary_admin")
    page.goto(f"/orgs/{ORG}/customers/{best['id']}")
    # When
    page.get_by_role("button", name="Look up now").click()
    # Then the figure from orders is a point for each dollar
    looked_up = page.locator("[data-answer] [data-field='calculated.points']")
    expect(looked_up).to_have_text(f"{round(best['totalSpent']):,}")
    expect(page.get_by_role("status")).to_contain_text("Nothing was stored")


def test_a_figure_leads_to_the_orders_behind_it(signed_in: SignedIn) -> None:
    # Given
    page = signed_in("dispensary_admin", script=False)
    page.goto(f"/orgs/{ORG}/analytics")
    by_status = page.get_by_role("table", name="Orders by status").locator("tbody tr").first
    status, count = by_status.locator("td").nth(0).inner_text(), by_status.locator("a")
    number = int(count.inner_text())
    # When
    count.click()
    # Then
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")
    expect(page.get_by_label("From", exact=True)).not_to_have_value("")
    shown = page.get_by_role("table", name="List of orders").locator("tbody tr")
    assert shown.count() == min(number, ROWS)
    expect(shown.first).to_contain_text(status)


def test_orders_are_filtered_by_a_plain_form(signed_in: SignedIn) -> None:
    page = signed_in("dispensary_admin", script=False)
    page.goto(f"/orgs/{ORG}/orders")

    page.get_by_label("Channel").select_option("ecom")
    page.get_by_role("button", name="Show").click()

    shown = page.get_by_role("table", name="List of orders").locator("tbody tr")
    assert shown.count() > 0
    assert all("eCom" in text for text in shown.all_inner_texts())


def test_a_difference_in_points_is_marked_as_reviewed(
    console: ConsoleCloud, signed_in: SignedIn
) -> None:
    # Given
    customer_id = DIFFERING[0]
    page = signed_in("dispensary_admin")
    page.goto(f"/orgs/{ORG}/loyalty")
    row = page.locator("tbody tr", has=page.locator(f"a[href*='/{customer_id}#']"))
    expect(row).to_contain_text("481")
    expect(row).to_contain_text("620")
    # When
    row.get_by_role("button", name="Mark as reviewed").click()
    # Then
    expect(row.get_by_text("Reviewed", exact=True)).to_be_visible()
    stored = console.store.documents(f"tenants/{ORG}/customers")[customer_id]
    assert stored["points"] == 620


def test_a_loyalty_sync_is_started_once_that_is_confirmed(signed_in: SignedIn) -> None:
    page = signed_in("dispensary_admin")
    page.goto(f"/orgs/{ORG}/loyalty")

    page.get_by_role("button", name="Start a loyalty sync").click()
    page.get_by_role("dialog").get_by_role("button", name="Start a loyalty sync").click()

    expect(page.get_by_role("status")).to_contain_text("A loyalty sync was started")
