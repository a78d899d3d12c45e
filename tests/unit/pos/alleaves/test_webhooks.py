"""Webhooks of Alleaves as events."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RequestInvalid
from shared.pos.alleaves.webhooks import read_event
from shared.pos.port import PosEvent

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read(event: str, data: Any, **fields: Any) -> PosEvent:
    return read_event(json.dumps({"event": event, "data": data, **fields}).encode())


@pytest.mark.parametrize("event", ["customer.created", "customer.updated"])
@pytest.mark.parametrize("data", [{"id_customer": 7}, {"customer_id": "7"}, {"id": 7.0}])
def test_a_customer_event_names_its_customer(event: str, data: dict[str, Any]) -> None:
    found = read(event, data)

    assert (found.customer_ids, found.order_ids, found.product_ids) == (("7",), (), ())


@pytest.mark.parametrize("event", ["order.created", "order.updated"])
@pytest.mark.parametrize(
    "data", [{"id_order": 7, "id_customer": 8}, {"id_transaction": "7"}, {"order_id": 7}, {"id": 7}]
)
def test_an_order_event_names_its_order(event: str, data: dict[str, Any]) -> None:
    assert read(event, data).order_ids == ("7",)


@pytest.mark.parametrize(
    "event", ["inventory.updated", "inventory.low_stock", "product.updated", "product.deleted"]
)
def test_an_event_of_stock_names_its_products_each_once(event: str) -> None:
    assert read(event, [{"id_item": 1}, {"item_id": 2}, {"id": 1}]).product_ids == ("1", "2")


@pytest.mark.parametrize(
    "data", [None, 7, "7", {}, [], {"id": None}, {"id": "a/b"}, {"id": ".."}, {"id": "__x__"}]
)
def test_an_event_without_a_usable_id_names_nothing(data: Any) -> None:
    assert not read("order.created", data).names_records


def test_an_event_of_an_unknown_kind_names_nothing() -> None:
    found = read("shift.closed", {"id": 7})

    assert (found.kind, found.names_records) == ("shift.closed", False)


@pytest.mark.parametrize(
    "timestamp", ["2026-11-21T12:00:00Z", "2026-11-21T07:00:00-05:00", 1795262400, "1795262400000"]
)
def test_a_time_is_read_in_every_form(timestamp: object) -> None:
    assert read("x", {}, timestamp=timestamp).sent_at == NOON


@pytest.mark.parametrize("timestamp", ["yesterday", "", [], True, "9" * 40, 1e300])
def test_a_time_that_cannot_be_read_is_refused(timestamp: object) -> None:
    with pytest.raises(RequestInvalid, match="timestamp"):
        read("x", {}, timestamp=timestamp)


def test_the_events_own_id_is_never_the_records() -> None:
    assert read("order.updated", {"id": 7}, id=7).id is None
    assert read("order.updated", {"id": 7}, event_id="e1").id == "e1"


def test_an_own_id_that_is_too_long_is_none() -> None:
    assert read("order.updated", {"id": 7}, event_id="e" * 201).id is None
    assert read("order.updated", {"id": 7}, event_id="e" * 201, eventId="e1").id == "e1"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"{}", b'{"event": 7}', b'{"event": ""}', b"\xff", b"[" * 100_000),
        b'{"event": "order.created", "data": {"id": "\\ud800"}}',
        b'{"event": "order.created", "data": {"id": "\xed\xa0\x80"}}',
        b'{"event": "order.\\udfff"}',
        b'{"event": "order.created", "event_id": "\\ud800"}',
        b'{"event": "order.created", "event_id": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(RequestInvalid):
        read_event(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(event=st.sampled_from(["order.created", "customer.updated", "product.deleted"]), data=JSON)
def test_whatever_the_data_are_the_event_is_read(event: str, data: Any) -> None:
    found = read(event, data)

    assert all("/" not in i and i for i in (*found.order_ids, *found.customer_ids))


@given(JSON)
def test_whatever_is_sent_it_is_read_or_refused(body: Any) -> None:
    with contextlib.suppress(RequestInvalid):
        read_event(json.dumps(body).encode())
