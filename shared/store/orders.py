"""``tenants/{orgId}/orders/{provider}_{id}``.

Reading of stored orders what spending needs.

A customer's spending straight from the orders, counted and summed by Firestore itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog

from shared.domain.money import sum_to_cents, to_cents, to_dollars
from shared.domain.orders import Order, OrderItem, OrderStatus
from shared.domain.spending import COUNTED, OrderFact, Spending, counts, fold
from shared.store import paths
from shared.store.database import Database, Document, Filter, Put

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
class StoredOrder:
    """Whose a stored order is, and of when (aware UTC)."""

    customer_id: str
    updated_at: datetime


def read_stored(
    database: Database, org_id: str, order_ids: Sequence[str]
) -> dict[str, StoredOrder]:
    """What is stored of these orders, by order id."""
    wanted = [f"{paths.orders(org_id)}/{order_id}" for order_id in order_ids]
    found = database.get_all(wanted, ["customerId", "updatedAt"])
    return {
        document.id: StoredOrder(str(document.fields["customerId"]), document.fields["updatedAt"])
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


SPENDING_FIELDS = ("customerId", "status", "type", "total", "createdAt", "items")
"""The fields of an order that spending and preferences rest on."""

log = structlog.get_logger(__name__)


def facts_of_customers(
    database: Database, org_id: str, customer_ids: Iterable[str] | None
) -> Iterator[tuple[str, OrderFact]]:
    """Customer id and facts of every stored order, of the customers named or of all (None).

    An order that another program left without a readable total or time counts for nothing.
    """
    for order in database.query_in(
        paths.orders(org_id), "customerId", customer_ids, select=SPENDING_FIELDS
    ):
        fact = fact_of(order)
        if fact is None:
            log.warning("order_left_out", order_id=order.id)
        else:
            yield order.fields.get("customerId", ""), fact


def fact_of(order: Document) -> OrderFact | None:
    """The facts of one order; None without a readable total or time."""
    created_at = order.fields.get("createdAt")
    try:
        total_cents = to_cents(order.fields.get("total"))
    except ValueError:
        return None
    if not isinstance(created_at, datetime):
        return None
    return OrderFact(
        status=order.fields.get("status"),
        type=order.fields.get("type"),
        total_cents=total_cents,
        created_at=created_at,
        items=tuple(_items(order.fields.get("items"))),
    )


def _items(lines: Any) -> Iterator[OrderItem]:
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, Mapping):
            product_id, category = line.get("productId"), line.get("category")
            yield OrderItem(
                product_id=str(product_id) if product_id else None,
                name=str(line.get("name") or ""),
                category=str(category) if category else None,
                quantity=_quantity(line.get("quantity")),
                price_cents=0,
            )


def _quantity(value: Any) -> Decimal:
    return Decimal(str(value)) if isinstance(value, int | float) else Decimal(0)


NEAR_THE_END = 20
"""Orders looked at from either end before all are, to find one that counts."""


def spending_of(database: Database, org_id: str, customer_id: str) -> Spending:
    """What the customer has spent, by the rule of ``domain.spending``.

    Whether a sale without a status counts depends on its type, and Firestore cannot ask for a
    field that is missing: only for a customer with such orders are all of them read. Raises
    TimedOut where ``database`` has a limit.
    """
    collection = paths.orders(org_id)
    theirs: Filter = ("customerId", "==", customer_id)
    known: Filter = ("status", "in", [status.value for status in OrderStatus])
    counted: Filter = ("status", "in", sorted(status.value for status in COUNTED))
    if database.totals(collection, theirs).count > database.totals(collection, theirs, known).count:
        orders = facts_of_customers(database, org_id, [customer_id])
        return fold(order for _, order in orders)
    money = database.totals(collection, theirs, counted, sums=["total"])
    refunds = database.totals(collection, theirs, counted, ("total", "<", 0))
    spent = Spending(total_cents=sum_to_cents(money.sums["total"]))
    if money.count == refunds.count:
        return spent
    return spent + Spending(
        order_count=money.count - refunds.count,
        first_order_at=_outermost(database, collection, theirs, "ASCENDING"),
        last_order_at=_outermost(database, collection, theirs, "DESCENDING"),
    )


def _outermost(
    database: Database, collection: str, theirs: Filter, direction: str
) -> datetime | None:
    """When the first (or last) order was made that counts and is no refund."""
    limits: Sequence[int | None] = (NEAR_THE_END, None)
    for limit in limits:
        for order in database.query(
            collection,
            theirs,
            select=SPENDING_FIELDS,
            order_by=[("createdAt", direction)],
            limit=limit,
        ):
            fact = fact_of(order)
            if fact and counts(fact.status, fact.type) and fact.total_cents >= 0:
                return fact.created_at
    return None
