"""Everything that goes wrong at the POS is either overcome or an error that says whose turn it
is; no listing that ends without an error is short."""

import time
from typing import Any

import pytest

from shared.errors import (
    CredentialsRejected,
    ListingIncomplete,
    ProviderBusy,
    ProviderFailed,
    ProviderUnreachable,
    ReplyUnreadable,
)
from shared.pos.paging import PageSettings
from tests.contract.pos.conftest import EVER, Pos


def orders_read(pos: Pos) -> int:
    return sum(len(page.records) for page in pos.client("org_search").orders(EVER))


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("latency", {"ms": 30}),
        ("server_error", {"count": 2}),
        ("rate_limited", {"count": 2, "retry_after": 0}),
        ("rate_limited", {"count": 1, "retry_after": 0, "form": "date"}),
        ("truncated_json", {"page": 4, "count": 2}),
        ("slow_headers", {"page": 2, "seconds": 0.3, "count": 1}),
        ("endless_continue", {"page": 2, "seconds": 0.3, "count": 1}),
        ("timeout", {"seconds": 1.5, "count": 1}),
        ("tokens_withdrawn", {"after": 3}),
        ("repeated_page", {"page": 3, "count": 2}),
        ("short_page", {"page": 3, "keep": 7, "count": 2}),
    ],
)
def test_a_passing_fault_is_overcome(pos: Pos, kind: str, parameters: dict[str, Any]) -> None:
    # Given
    pos.fault(kind, endpoint="orders", **parameters)

    # When
    read = orders_read(pos)

    # Then
    assert read == 750


@pytest.mark.parametrize(
    ("kind", "parameters", "error", "words"),
    [
        ("server_error", {}, ProviderFailed, "had an error of its own (500) (3 tries)."),
        ("rate_limited", {"retry_after": 0}, ProviderBusy, "limits how often it is called (429)"),
        ("rate_limited", {"retry_after": 600}, ProviderBusy, "it asks not to be called before 20"),
        (
            "rate_limited",
            {"retry_after": 600, "form": "date"},
            ProviderBusy,
            "it asks not to be called before 20",
        ),
        ("truncated_json", {}, ReplyUnreadable, "sent an answer that cannot be read (3 tries)."),
        ("timeout", {"seconds": 3}, ProviderUnreachable, "did not answer within 1 s"),
        ("slow_headers", {"seconds": 20}, ProviderUnreachable, "did not answer within"),
        ("endless_continue", {"seconds": 20}, ProviderUnreachable, "did not answer within"),
        ("row_flood", {"rows": 50_000}, ReplyUnreadable, "holds more than 1,000 rows."),
        ("row_flood", {"row": "object"}, ReplyUnreadable, "holds more than 700,000 values."),
        ("deep_nesting", {}, ReplyUnreadable, "is nested deeper than 50 levels."),
        ("decompression_bomb", {}, ReplyUnreadable, "is larger than 16,000,000 bytes."),
        ("unauthorized", {}, CredentialsRejected, "Check user name, password and PIN of"),
        ("repeated_page", {"page": 3}, ListingIncomplete, "announced 750 orders but sent 200."),
        ("short_page", {"page": 3, "keep": 7}, ListingIncomplete, "750 orders but sent 207."),
        ("halved_list", {"true_total": True}, ListingIncomplete, "750 orders but sent 375."),
    ],
)
def test_a_lasting_fault_is_an_error_in_plain_words(
    pos: Pos, kind: str, parameters: dict[str, Any], error: type[Exception], words: str
) -> None:
    # Given
    pos.fault(kind, endpoint="orders", **parameters)

    # When
    began = time.monotonic()
    with pytest.raises(error) as raised:
        orders_read(pos)

    # Then
    assert words in str(raised.value)
    assert f"The POS at {pos.host}" in str(raised.value)
    assert time.monotonic() - began < 8


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


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("missing_id", "missing_id"),
        ("text_for_number", "bad_money"),
        ("null_dates", "bad_time"),
        ("not_an_object", "not_an_object"),
    ],
)
def test_damaged_records_are_rejected_and_the_rest_is_read(
    pos: Pos, damage: str, code: str
) -> None:
    # Given
    pos.fault("malformed", endpoint="orders", damage=damage, records=5, first=98)

    # When
    pages = list(pos.client("org_search").orders(EVER))

    # Then
    assert sum(len(page.records) for page in pages) == 745
    assert [bad.code for page in pages for bad in page.rejected] == [code] * 5


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


def test_a_pos_that_is_not_there_is_unreachable(pos: Pos) -> None:
    # When
    with pytest.raises(ProviderUnreachable) as raised:
        list(pos.client("org_search", baseUrl="http://127.0.0.1:9/api").customers())

    # Then
    assert str(raised.value) == "The POS at 127.0.0.1:9 could not be reached (3 tries)."


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
