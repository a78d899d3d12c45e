"""A changed document, in the three forms in which its event may come."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from shared.bus.events import document_change
from shared.errors import InvalidMessage
from tests.order_events import order_event

FORMS = ("protobuf", "base64", "json")
AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
ORDER = {
    "customerId": "7",
    "total": 12.5,
    "count": 3,
    "createdAt": AT,
    "note": None,
    "items": [{"name": "Gummies", "quantity": 2}],
    "customer": {"email": "ada@example.com"},
}


@pytest.mark.parametrize("body", FORMS)
def test_every_form_says_the_same_of_an_update(body: str) -> None:
    # Given
    event = order_event(ORDER, ORDER | {"customerId": "8", "total": 13.5}, at=AT, body=body)
    # When
    change = document_change(event)
    # Then
    assert change.path == "tenants/org_a/orders/alleaves_1"
    assert change.text("customerId") == ("7", "8")
    assert change.text("total") == change.text("nothing") == (None, None)
    assert change.touches(["total"])
    assert not change.touches(["count", "createdAt", "note", "items", "customer", "nothing"])
    assert change.at == AT
    assert change.event_id == event["id"]


@pytest.mark.parametrize("body", FORMS)
def test_a_created_document_was_not_there_before(body: str) -> None:
    # When
    change = document_change(order_event(None, ORDER, body=body))
    # Then
    assert change.before is None
    assert change.text("customerId") == (None, "7")
    assert change.touches(["total"])


@pytest.mark.parametrize("body", FORMS)
def test_a_deleted_document_is_not_there_any_more(body: str) -> None:
    # When
    change = document_change(order_event(ORDER, None, at=AT, body=body))
    # Then
    assert change.after is None
    assert change.text("customerId") == ("7", None)
    assert change.at == AT


@pytest.mark.parametrize(
    "data",
    [None, 7, [], {}, {"value": {}}, {"value": 3}, b"", b"\x0a\xff\xff", b"a!", "no base64!"],
)
def test_what_cannot_be_read_is_an_invalid_message(data: Any) -> None:
    # Given
    event = CloudEvent({"type": "t", "source": "s"}, data)
    # When / Then
    with pytest.raises(InvalidMessage):
        document_change(event)
