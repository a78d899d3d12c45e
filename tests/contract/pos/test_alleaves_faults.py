"""What goes wrong at Alleaves alone: signing in, and listings without a total."""

from typing import Any

import pytest

from shared.errors import CredentialsRejected, ListingIncomplete
from shared.pos.paging import PageSettings
from tests.contract.pos.conftest import EVER, Pos


def test_withdrawn_tokens_are_overcome(pos: Pos) -> None:
    # Given
    pos.fault("tokens_withdrawn", endpoint="orders", after=3)

    # When
    pages = list(pos.client("org_search").orders(EVER))

    # Then
    assert sum(len(page.records) for page in pages) == 750


def test_a_sign_in_that_is_not_accepted_is_the_orgs_turn(pos: Pos) -> None:
    # Given
    pos.fault("unauthorized", endpoint="orders")

    # When / Then
    with pytest.raises(CredentialsRejected, match="Check user name, password and PIN of"):
        list(pos.client("org_search").orders(EVER))


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("short_page", {"page": 3, "keep": 60}), ("repeated_page", {"page": 3})],
)
def test_customers_cut_short_are_noticed_though_no_total_is_announced(
    pos: Pos, kind: str, parameters: dict[str, Any]
) -> None:
    # Given
    pos.fault(kind, endpoint="customers", **parameters)

    # When / Then
    with pytest.raises(ListingIncomplete, match="page 3 was cut short, and more came after"):
        list(pos.client("org_search").customers())


def test_stock_short_of_its_total_is_incomplete(pos: Pos) -> None:
    # Given
    pos.fault("short_page", endpoint="inventory", keep=20)

    # When
    pages = pos.client("org_search").inventory("1000")

    # Then
    assert [(page.rows, page.last) for page in pages] == [(20, False), (20, False), (5, True)]


def test_an_empty_list_is_an_empty_listing(pos: Pos) -> None:
    # Given
    pos.fault("empty_list", endpoint="inventory")

    # When
    pages = list(pos.client("org_search").inventory("1000"))

    # Then
    assert [(page.rows, page.last) for page in pages] == [(0, True)]


@pytest.mark.parametrize("wrong", [{"password": "wr0ng"}, {"pin": "0000"}, {"username": "nobody"}])
def test_wrong_credentials_are_tried_once(pos: Pos, wrong: dict[str, str]) -> None:
    # When
    with pytest.raises(CredentialsRejected) as raised:
        list(pos.client("org_search", name="Main Street", **wrong).customers())

    # Then
    assert str(raised.value) == (
        f"The POS at {pos.host} does not accept the sign-in (401). Check user name, password and "
        "PIN of Main Street in the POS settings."
    )
    assert pos.calls("org_search", "auth") + pos.calls("unknown", "auth") == 1


def test_a_password_changed_in_mid_run_is_the_orgs_turn(pos: Pos) -> None:
    # Given: most pages have not been asked for
    pos.paging = PageSettings(in_flight=1)
    pages = pos.client("org_search").orders(EVER)
    next(pages)
    org = pos.org("org_search")
    org.spec = org.spec.model_copy(update={"password": "another"})
    org.withdraw_tokens()

    # When / Then
    with pytest.raises(CredentialsRejected):
        list(pages)
