"""Cursors of listings."""

from typing import Any

import pytest

from deploy.local.clients import firestore_client
from shared.errors import RequestInvalid
from shared.store import listing
from shared.store.database import Database
from shared.store.listing import NAME, QueryRange, encode_cursor

BY_TIME = QueryRange((), "createdAt", descending=True)


@pytest.mark.parametrize(
    "after",
    [
        *(["a"], ["a", "b", "c"], [1, 2], ["a", 7], ["a", {"at": "2026-01-01T00:00:00Z"}]),
        *(["a", "b/c"], ["a", "b/c/d"], ["a", ".."], ["a", ""], ["a", "__x__"]),
        *([{"at": "yesterday"}, "b"], [None, "b"]),
    ],
)
def test_a_cursor_that_this_listing_cannot_have_given_is_refused(after: list[Any]) -> None:
    digest = listing._digest("tenants/org_x/orders", [BY_TIME])

    with pytest.raises(RequestInvalid, match="cursor"):
        listing.page(
            Database(firestore_client("127.0.0.1:1", "demo-listing")),
            "tenants/org_x/orders",
            [BY_TIME],
            limit=5,
            cursor=encode_cursor([digest, 0, after]),
        )


def test_the_last_of_a_listing_is_its_id() -> None:
    assert [name for name, _ in BY_TIME.order] == ["createdAt", NAME]
