"""The pages in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.console.browser import Watch
from tests.e2e.console.cloud import ORG, OTHER_ORG, ConsoleCloud

SignedIn = Callable[..., Page]


def test_a_customers_page_shows_the_figures_that_firestore_has(
    console: ConsoleCloud, signed_in: SignedIn
) -> None:
    # Given
    stored = console.store.documents(f"tenants/{ORG}/customers")
    best = max(stored.values(), key=lambda each: float(each.get("totalSpent", 0)))
    page = signed_in("dispensary_admin")
    # When
    page.goto(f"/orgs/{ORG}/customers")
    # Then
    first = page.locator("tbody tr").first
    expect(first).to_contain_text(best["lastName"])
    expect(first).to_contain_text(f"${best['totalSpent']:,.2f}")
    expect(page.get_by_role("navigation", name="Main").locator("[aria-current=page]")).to_have_text(
        "Customers"
    )


def test_another_orgs_page_is_refused_in_words(signed_in: SignedIn, watch: Watch) -> None:
    watch.expected.append("403")
    page = signed_in("dispensary_admin")

    answer = page.goto(f"/orgs/{OTHER_ORG}/customers")

    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not see this")
