"""Which order writes ask for a recompute, of whom, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.events import document_change
from shared.bus.messages import ComputeSpending
from shared.errors import InvalidMessage
from shared.services.spending.order_recompute import SECONDS, OrderRecompute, end_of_gathering
from tests.fakes import RecordingLaterPublisher
from tests.order_events import order_event

AT = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
ORDER = {"customerId": "7", "status": "completed", "total": 12.5, "syncRunId": "run-1"}


def queue_after(*events: Any) -> RecordingLaterPublisher:
    queue = RecordingLaterPublisher()
    for event in events:
        OrderRecompute(queue)(document_change(event))
    return queue


def customers_of(queue: RecordingLaterPublisher) -> list[str]:
    """The customers of all messages in the queue."""
    return sorted(
        customer_id
        for _, message in queue.scheduled
        if isinstance(message, ComputeSpending)
        for customer_id in message.customer_ids or ()
    )


@pytest.mark.parametrize(
    ("before", "after", "customers"),
    [
        (None, ORDER, []),
        (ORDER, ORDER | {"syncRunId": "run-2", "total": 99}, []),
        (ORDER, ORDER | {"total": 99}, ["7"]),
        (ORDER, ORDER | {"customerId": "8"}, ["7", "8"]),
        (ORDER | {"customerId": "8"}, ORDER | {"syncRunId": "run-2"}, []),
        (ORDER, {k: v for k, v in ORDER.items() if k != "syncRunId"} | {"total": 9}, ["7"]),
        (ORDER, ORDER | {"note": "gift"}, []),
        (ORDER, ORDER | {"items": [{"name": "Gummies", "quantity": 1}]}, ["7"]),
        (ORDER, None, ["7"]),
        (None, {"customerId": "9", "total": 3}, ["9"]),
        (None, {"total": 3}, []),
    ],
)
def test_only_writes_of_others_ask_for_the_customers_they_concern(
    before: Any, after: Any, customers: list[str]
) -> None:
    # When
    queue = queue_after(order_event(before, after))
    # Then
    assert customers_of(queue) == customers


def test_a_burst_of_writes_asks_once_per_customer() -> None:
    # Given
    events = [
        order_event(None, {"customerId": str(n % 3), "total": n}, at=AT, path=order(n))
        for n in range(30)
    ]
    # When
    queue = queue_after(*events, *events)
    # Then
    assert customers_of(queue) == ["0", "1", "2"]


def test_a_later_write_asks_again() -> None:
    # When
    later = AT + timedelta(seconds=SECONDS)
    queue = queue_after(
        order_event(None, {"customerId": "7", "total": 1}, at=AT),
        order_event(None, {"customerId": "7", "total": 2}, at=later, path=order(2)),
    )
    # Then
    assert customers_of(queue) == ["7", "7"]


def test_the_same_customer_id_at_another_org_is_another_customer() -> None:
    # When
    queue = queue_after(
        order_event(None, {"customerId": "7", "total": 1}),
        order_event(None, {"customerId": "7", "total": 1}, path="tenants/org_b/orders/x"),
    )
    # Then
    assert sorted(message.to_json()["orgId"] for _, message in queue.scheduled) == [
        "org_a",
        "org_b",
    ]


def test_a_document_that_is_no_order_is_refused() -> None:
    with pytest.raises(InvalidMessage):
        queue_after(order_event(None, ORDER, path="tenants/org_a/customers/7"))


@given(st.integers(0, 2 * 10**12).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC)))
def test_what_is_asked_is_sent_after_the_write_and_soon(at: datetime) -> None:
    # When
    end = end_of_gathering(at)
    # Then: a task of that name that has been sent was sent after every write it stands for
    assert at < end <= at + timedelta(seconds=SECONDS)
    assert end_of_gathering(end) > end


def order(number: int) -> str:
    return f"tenants/org_a/orders/alleaves_{number}"
