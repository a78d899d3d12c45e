"""Signing in and out in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console.browser import Watch
from tests.e2e.console.cloud import ORG, ConsoleCloud

SignedIn = Callable[..., Page]


def fill_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
@pytest.mark.parametrize("role", ["super_user", "super_admin", "dispensary_admin", "brand_admin"])
def test_whoever_has_a_role_signs_in_and_is_led_back(
    console: ConsoleCloud, signed_in: SignedIn, role: str, script: bool
) -> None:
    # Given
    person, path = console.person(role), f"/orgs/{ORG}/customers?sort=lastName"
    page = signed_in(None, script=script)
    page.goto(path)
    expect(page).to_have_url(re.compile("/sign-in"))
    # When
    fill_in(page, person.email, person.password)
    # Then
    expect(page).to_have_url(re.compile(re.escape(path) + "$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Customers")
    (cookie,) = page.context.cookies()
    assert cookie["name"] == "__session"
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"


def test_a_wrong_password_is_told_in_words_and_the_address_stays(
    console: ConsoleCloud, signed_in: SignedIn, watch: Watch
) -> None:
    watch.expected.append("401")
    page = signed_in(None)
    page.goto("/sign-in")

    fill_in(page, console.person("super_user").email, "not the password")

    expect(page.get_by_role("alert")).to_have_text(
        "The e-mail or the password is wrong, or the account is disabled."
    )
    expect(page.get_by_label("E-mail")).to_have_value(console.person("super_user").email)
    expect(page.get_by_label("Password")).to_have_value("")
    assert not page.context.cookies()


def test_who_signs_out_is_signed_out(console: ConsoleCloud, signed_in: SignedIn) -> None:
    page = signed_in("brand_admin")
    page.goto(f"/orgs/{ORG}/customers")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(f"/orgs/{ORG}/customers")
    expect(page).to_have_url(re.compile("/sign-in"))
