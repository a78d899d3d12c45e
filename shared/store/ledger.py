"""``customers/{id}/points_ledger/{entryId}``: what each order gave or took, by the order's id."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.domain.change import fingerprint
from shared.domain.loyalty import LedgerEntry
from shared.domain.money import to_dollars
from shared.domain.spending import OrderFact
from shared.store import order_facts, paths
from shared.store.customers import IN_LIMIT
from shared.store.database import Database, Filter, Put, Remove, Write

ORDER_FIELDS = ("customerId", "status", "type", "total", "createdAt")


OrdersByCustomer = dict[str, dict[str, OrderFact]]
"""Orders by customer id, then by the order's document id."""


def orders_of(database: Database, org_id: str, customer_ids: Sequence[str]) -> OrdersByCustomer:
    """Every stored order of the customers."""
    found: OrdersByCustomer = {}
    for start in range(0, len(customer_ids), IN_LIMIT):
        _add(found, database, org_id, ("customerId", "in", list(customer_ids[start:][:IN_LIMIT])))
    return found


def all_orders(database: Database, org_id: str) -> OrdersByCustomer:
    """Every stored order, by one scan instead of look-ups."""
    found: OrdersByCustomer = {}
    _add(found, database, org_id)
    return found


def stored(database: Database, org_id: str, customer_id: str) -> dict[str, Mapping[str, Any]]:
    """A customer's entries as they stand, by id."""
    entries = database.query(paths.points_ledger(org_id, customer_id))
    return {entry.id: entry.fields for entry in entries}


def latest(
    database: Database, org_id: str, customer_id: str, limit: int
) -> list[Mapping[str, Any]]:
    """A customer's last entries, newest first."""
    ledger = paths.points_ledger(org_id, customer_id)
    newest = database.query(ledger, order_by=[("at", "DESCENDING")], limit=limit)
    return [entry.fields for entry in newest]


def digest(entries: Iterable[LedgerEntry]) -> bytes:
    """A hash that is equal for equal ledgers; empty for an empty one."""
    fields = {entry.id: _fields(entry) for entry in entries}
    return fingerprint(fields) if fields else b""


def writes(
    org_id: str,
    customer_id: str,
    before: Mapping[str, Mapping[str, Any]],
    entries: Iterable[LedgerEntry],
) -> list[Write]:
    """The writes that turn the stored entries ``before`` into ``entries``; none where they are
    the same."""
    ledger = paths.points_ledger(org_id, customer_id)
    after = {entry.id: _fields(entry) for entry in entries}
    changed: list[Write] = [
        Put(f"{ledger}/{entry_id}", fields)
        for entry_id, fields in after.items()
        if before.get(entry_id) != fields
    ]
    return changed + [
        Remove(f"{ledger}/{entry_id}") for entry_id in before if entry_id not in after
    ]


def _fields(entry: LedgerEntry) -> dict[str, Any]:
    """``total`` in dollars."""
    return {
        "orderId": entry.id,
        "at": entry.at,
        "total": to_dollars(entry.total_cents),
        "points": entry.points,
        "balance": entry.balance,
    }


def _add(found: OrdersByCustomer, database: Database, org_id: str, *filters: Filter) -> None:
    for order in database.query(paths.orders(org_id), *filters, select=ORDER_FIELDS):
        fact = order_facts.fact_of(order)
        if fact is not None:
            found.setdefault(order.fields.get("customerId", ""), {})[order.id] = fact
