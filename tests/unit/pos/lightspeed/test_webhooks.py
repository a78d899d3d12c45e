"""Webhooks of Lightspeed as events."""

import contextlib
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RequestInvalid
from shared.pos.lightspeed.webhooks import read_sale

SALE = "0adfd74a-153e-11e6-f681-2e5fbd7d9f3a"


def body(payload: object) -> bytes:
    return urlencode({"payload": json.dumps(payload), "type": "sale.update"}).encode()


def test_a_sale_is_named() -> None:
    assert read_sale(body({"id": SALE, "status": "CLOSED"})).order_ids == (SALE,)


@pytest.mark.parametrize(
    "payload",
    [
        *(None, [], {}, {"id": 7}, {"id": ""}, {"id": "a/b"}, {"id": "x" * 201}),
        *({"id": ".."}, {"id": "__x__"}, {"id": "\ud800"}, {"id": SALE, "note": "\ud800"}),
    ],
)
def test_a_payload_without_a_usable_id_is_refused(payload: object) -> None:
    with pytest.raises(RequestInvalid):
        read_sale(body(payload))


@given(st.binary(max_size=200))
def test_whatever_is_sent_it_is_read_or_refused(sent: bytes) -> None:
    with contextlib.suppress(RequestInvalid):
        read_sale(sent)
