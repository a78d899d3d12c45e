"""Everything that goes wrong at a POS is either overcome or an error that says whose turn it is; no
listing that ends without an error is short."""

import time
from typing import Any

import pytest

from shared.errors import (
    ListingIncomplete,
    ProviderBusy,
    ProviderFailed,
    ProviderUnreachable,
    ReplyUnreadable,
)
from tests.contract.pos.conftest import EVER, Pos

PROVIDERS = pytest.mark.parametrize("org_id", ["org_search", "org_retail"])


def orders_read(pos: Pos, org_id: str) -> int:
    return sum(len(page.records) for page in pos.client(org_id).orders(EVER))


@PROVIDERS
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
        ("repeated_page", {"page": 3, "count": 2}),
        ("short_page", {"page": 3, "keep": 7, "count": 2}),
    ],
)
def test_a_passing_fault_is_overcome(
    pos: Pos, org_id: str, kind: str, parameters: dict[str, Any]
) -> None:
    # Given
    pos.fault(kind, endpoint="orders", **parameters)

    # When
    read = orders_read(pos, org_id)

    # Then
    assert read == len(pos.held(org_id).orders)


@PROVIDERS
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
        ("repeated_page", {"page": 3}, ListingIncomplete, "announced {held} orders but sent 200."),
        ("short_page", {"page": 3, "keep": 7}, ListingIncomplete, "{held} orders but sent 207."),
        ("halved_list", {"true_total": True}, ListingIncomplete, "{held} orders but sent 375."),
    ],
)
def test_a_lasting_fault_is_an_error_in_plain_words(
    pos: Pos, org_id: str, kind: str, parameters: dict[str, Any], error: type[Exception], words: str
) -> None:
    # Given
    pos.fault(kind, endpoint="orders", **parameters)

    # When
    began = time.monotonic()
    with pytest.raises(error) as raised:
        orders_read(pos, org_id)

    # Then
    assert words.format(held=len(pos.held(org_id).orders)) in str(raised.value)
    assert f"The POS at {pos.host_of(org_id)}" in str(raised.value)
    assert time.monotonic() - began < 8


@PROVIDERS
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
    pos: Pos, org_id: str, damage: str, code: str
) -> None:
    # Given
    pos.fault("malformed", endpoint="orders", damage=damage, records=5, first=98)

    # When
    pages = list(pos.client(org_id).orders(EVER))

    # Then
    assert sum(len(page.records) for page in pages) == len(pos.held(org_id).orders) - 5
    assert [bad.code for page in pages for bad in page.rejected] == [code] * 5


@PROVIDERS
def test_a_pos_that_is_not_there_is_unreachable(pos: Pos, org_id: str) -> None:
    # When
    with pytest.raises(ProviderUnreachable) as raised:
        list(pos.client(org_id, baseUrl="http://127.0.0.1:9/api").customers())

    # Then
    assert str(raised.value) == "The POS at 127.0.0.1:9 could not be reached (3 tries)."
