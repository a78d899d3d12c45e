"""Reading of stored orders what spending needs."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog

from shared.domain.money import to_cents
from shared.domain.orders import OrderItem
from shared.domain.spending import OrderFact
from shared.store import customers, paths
from shared.store.database import Database, Document, Filter

FIELDS = ("customerId", "status", "type", "total", "createdAt", "items")
"""The fields of an order that spending and preferences rest on."""

log = structlog.get_logger(__name__)


def of_customers(
    database: Database, org_id: str, customer_ids: Iterable[str] | None
) -> Iterator[tuple[str, OrderFact]]:
    """Customer id and facts of every stored order, of the customers named or of all (None).

    An order that another program left without a readable total or time counts for nothing.
    """
    for filters in _by_customer(customer_ids):
        for order in database.query(paths.orders(org_id), *filters, select=FIELDS):
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


def _by_customer(customer_ids: Iterable[str] | None) -> Iterable[list[Filter]]:
    if customer_ids is None:
        return [[]]
    ids = list(customer_ids)
    limit = customers.IN_LIMIT
    chunks = [ids[start : start + limit] for start in range(0, len(ids), limit)]
    return [[("customerId", "in", chunk)] for chunk in chunks]
