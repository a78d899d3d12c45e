"""``tenants/{orgId}/orders/{provider}_{id}``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.money import to_dollars
from shared.domain.orders import Order, OrderItem
from shared.store import paths
from shared.store.database import Database, Put

OWNED = (
    "id",
    "externalId",
    "customerId",
    "locationId",
    "status",
    "posStatus",
    "type",
    "channel",
    "customer",
    "items",
    "total",
    "subtotal",
    "tax",
    "discount",
    "createdAt",
    "updatedAt",
    "source",
    "syncRunId",
    "orgId",
)


def fields_of(order: Order, customer_id: str, org_id: str) -> dict[str, Any]:
    """The POS-owned fields as stored, without the run that writes them. Money in dollars."""
    fields: dict[str, Any] = {
        "id": order.id,
        "externalId": order.external_id,
        "customerId": customer_id,
        "locationId": order.location_id,
        "status": order.status.value,
        "posStatus": order.pos_status,
        "type": order.type.value,
        "channel": order.channel.value,
        "customer": {
            "email": order.email,
            "name": order.customer_name,
            "phone": order.phone,
        },
        "items": [_item(item) for item in order.items],
        "total": to_dollars(order.total_cents),
        "createdAt": order.created_at,
        "updatedAt": order.updated_at,
        "source": order.source,
        "orgId": org_id,
    }
    optional = {
        "subtotal": order.subtotal_cents,
        "tax": order.tax_cents,
        "discount": order.discount_cents,
    }
    return fields | {n: to_dollars(cents) for n, cents in optional.items() if cents is not None}


def put(org_id: str, fields: dict[str, Any], *, run_id: str) -> Put:
    """The write for an order."""
    path = f"{paths.orders(org_id)}/{fields['id']}"
    return Put(path, fields | {"syncRunId": run_id}, owned=OWNED)


@dataclass(frozen=True, slots=True)
class Before:
    """Whose a stored order is, and of when (aware UTC)."""

    customer_id: str
    updated_at: datetime


def before(database: Database, org_id: str, order_ids: Sequence[str]) -> dict[str, Before]:
    """What is stored of these orders, by order id."""
    wanted = [f"{paths.orders(org_id)}/{order_id}" for order_id in order_ids]
    found = database.get_all(wanted, ["customerId", "updatedAt"])
    return {
        document.id: Before(str(document.fields["customerId"]), document.fields["updatedAt"])
        for document in found.values()
        if {"customerId", "updatedAt"} <= document.fields.keys()
    }


def _item(item: OrderItem) -> dict[str, Any]:
    quantity = item.quantity
    return {
        "productId": item.product_id,
        "name": item.name,
        "category": item.category,
        "quantity": int(quantity) if quantity == int(quantity) else float(quantity),
        "price": to_dollars(item.price_cents),
    }
