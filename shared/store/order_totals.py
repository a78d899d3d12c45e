"""A customer's spending straight from the orders, counted and summed by Firestore itself."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.money import sum_to_cents
from shared.domain.orders import OrderStatus
from shared.domain.spending import COUNTED, Spending, counts, fold
from shared.store import order_facts, paths
from shared.store.database import Database, Filter

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
        orders = order_facts.of_customers(database, org_id, [customer_id])
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
            select=order_facts.FIELDS,
            order_by=[("createdAt", direction)],
            limit=limit,
        ):
            fact = order_facts.fact_of(order)
            if fact and counts(fact.status, fact.type) and fact.total_cents >= 0:
                return fact.created_at
    return None
