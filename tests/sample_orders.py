"""An order for tests that are not about what it holds."""

from datetime import datetime
from typing import Any

from shared.domain.orders import Channel, Order, OrderStatus, OrderType


def sample_order(created_at: datetime, **changes: Any) -> Order:
    """A dollar's worth, bought over the counter by customer 7; ``changes`` are other fields."""
    fields: dict[str, Any] = {
        "external_id": "1",
        "source": "alleaves",
        "pos_customer_id": "7",
        "user_id": None,
        "email": None,
        "customer_name": "",
        "phone": None,
        "location_id": "1000",
        "status": OrderStatus.COMPLETED,
        "pos_status": "completed",
        "type": OrderType.IN_STORE,
        "channel": Channel.RETAIL,
        "items": (),
        "total_cents": 100,
        "subtotal_cents": None,
        "tax_cents": None,
        "discount_cents": None,
        "updated_at": created_at,
    }
    return Order(created_at=created_at, **{**fields, **changes})
