"""The loyalty fields of ``tenants/{orgId}/customers/{id}``, and finding customers by them.

``customers/{id}/points_ledger/{entryId}``: the points of each order, by the order's id.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.changes import REMOVED_AT, fingerprint
from shared.domain.loyalty import LedgerEntry, Reconciliation, TierSource
from shared.domain.money import to_cents, to_dollars
from shared.domain.spending import OrderFact
from shared.store import orders, paths
from shared.store.database import Database, Document, Fields, Filter, Put, Remove, Update, Write
from shared.store.spending import id_key

FIELDS: Mapping[str, Callable[[Reconciliation], Any]] = {
    "points": lambda r: r.points,
    "pointsFromOrders": lambda r: r.points_from_orders,
    "pointsFromAlpine": lambda r: r.points_from_provider,
    "tierSource": lambda r: r.tier_source.value,
    "loyaltyTier": lambda r: r.tier.id if r.tier else None,
    "loyaltyReconciled": lambda r: r.reconciled,
    "loyaltyDiscrepancy": lambda r: r.discrepancy,
    "alpineUserId": lambda r: r.provider_user_id,
}
OWNED = tuple(FIELDS)
"""Fields that only loyalty writes; each calculation moves ``pointsLastCalculated`` too."""
REVIEW = "loyaltyReview"
"""That a person has looked at the two figures: ``by``, ``at``, and the figures, for which it holds.
No run writes it."""
READ = ("email", "phone", "socialEquity", "pointsLastCalculated", REMOVED_AT, REVIEW, *OWNED)
FIGURES = ("pointsFromOrders", "pointsFromAlpine")

AT_PROVIDER: Filter = ("tierSource", "==", TierSource.PROVIDER.value)
NOT_RECONCILED: Filter = ("loyaltyReconciled", "==", False)
SOCIAL_EQUITY: Filter = ("socialEquity", "==", True)
"""The merchant has flagged them."""

ORDER_FIELDS = (
    "customerId",
    "status",
    "type",
    "total",
    "createdAt",
    REMOVED_AT,
    orders.SUPERSEDED_BY,
)
OrdersByCustomer = dict[str, dict[str, OrderFact]]
"""Orders by customer id, then by the order's document id."""


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    """How many customers an org has, by the state of their points."""

    total_customers: int
    with_alpine_sync: int
    with_calculated_points: int
    reconciled: int
    needs_review: int


def customers(database: Database, org_id: str, ids: Sequence[str]) -> list[Document]:
    """Those of the customers that exist, and still do at the POS, with the fields that loyalty
    reads."""
    found = database.get_all([f"{paths.customers(org_id)}/{i}" for i in ids], READ)
    return [each for each in found.values() if each.exists and not each.fields.get(REMOVED_AT)]


def changed_fields(customer: Document, result: Reconciliation) -> dict[str, Any]:
    """A customer's loyalty fields, all of them if one differs from what is stored, else none."""
    fields = {name: of(result) for name, of in FIELDS.items()}
    same = all(customer.fields.get(name) == value for name, value in fields.items())
    return {} if same else fields


def update(org_id: str, customer_id: str, changed: Fields, now: datetime) -> Update:
    """The write for a customer whose points were calculated, with what of them has changed. Where
    nothing has, it is a single field that is in no index."""
    path = f"{paths.customers(org_id)}/{customer_id}"
    return Update(path, {**changed, "pointsLastCalculated": now})


def put_review(org_id: str, customer: Document, by: str, now: datetime) -> Update:
    """The write for a customer whose figures a person has looked at, as they were read."""
    figures = {name: customer.fields.get(name) for name in FIGURES}
    path = f"{paths.customers(org_id)}/{customer.id}"
    return Update(path, {REVIEW: {"by": by, "at": now, **figures}})


def review_of(customer: Fields) -> Fields | None:
    """Who has looked at a customer's figures and when; None where nobody has looked at these."""
    review = customer.get(REVIEW)
    if not isinstance(review, dict):
        return None
    same = all(review.get(name) == customer.get(name) for name in FIGURES)
    return {"by": review["by"], "at": review["at"]} if same else None


def ids(database: Database, org_id: str, *filters: Filter) -> set[str]:
    """Ids of the customers that match and were not removed at the POS."""
    found = database.query(paths.customers(org_id), *filters, select=[REMOVED_AT])
    return {each.id for each in found if not each.fields.get(REMOVED_AT)}


def spending_since(
    database: Database, org_id: str, since: datetime
) -> Iterator[tuple[str, int, int]]:
    """Customer id, cents spent and number of orders of the customers whose spending document was
    written at ``since`` or later."""
    written = database.query(
        paths.customer_spending(org_id),
        ("orgId", "==", org_id),
        ("updatedAt", ">=", since),
        order_by=[("updatedAt", "DESCENDING")],
        select=["customerId", "totalSpent", "orderCount"],
    )
    for document in written:
        customer_id = str(document.fields.get("customerId"))
        if document.id == id_key(customer_id):
            spent = to_cents(document.fields.get("totalSpent", 0))
            yield customer_id, spent, int(document.fields.get("orderCount", 0))


def in_review(database: Database, org_id: str) -> list[Document]:
    """The customers whose two balances a person must review, by id."""
    found = database.query(paths.customers(org_id), AT_PROVIDER, NOT_RECONCILED)
    return sorted(
        (each for each in found if not each.fields.get(REMOVED_AT)), key=lambda each: each.id
    )


def counts(database: Database, org_id: str) -> CustomerCounts:
    """The counts, without reading the customers."""

    def count(filters: Sequence[Filter]) -> int:
        return database.totals(paths.customers(org_id), *filters).count

    asked: list[Sequence[Filter]] = [
        (),
        (AT_PROVIDER,),
        (("pointsFromOrders", ">=", 0),),
        (("loyaltyReconciled", "==", True),),
        (AT_PROVIDER, NOT_RECONCILED),
    ]
    with ThreadPoolExecutor(len(asked), thread_name_prefix="loyalty-count") as pool:
        return CustomerCounts(*pool.map(count, asked))


def orders_of(
    database: Database, org_id: str, customer_ids: Iterable[str] | None
) -> OrdersByCustomer:
    """Every stored order of the customers, or by one scan of all customers (None)."""
    found: OrdersByCustomer = {}
    for order in database.query_in(
        paths.orders(org_id), "customerId", customer_ids, select=ORDER_FIELDS
    ):
        fact = orders.fact_of(order)
        if fact is not None:
            found.setdefault(order.fields.get("customerId", ""), {})[order.id] = fact
    return found


def stored_ledger(database: Database, org_id: str, customer_id: str) -> dict[str, Fields]:
    """A customer's entries as stored, by id."""
    entries = database.query(paths.points_ledger(org_id, customer_id))
    return {entry.id: entry.fields for entry in entries}


def latest_entries(database: Database, org_id: str, customer_id: str, limit: int) -> list[Fields]:
    """A customer's latest entries, newest first."""
    ledger = paths.points_ledger(org_id, customer_id)
    newest = database.query(ledger, order_by=[("at", "DESCENDING")], limit=limit)
    return [entry.fields for entry in newest]


def ledger_digest(entries: Iterable[LedgerEntry]) -> bytes:
    """A hash that is equal for equal ledgers; empty for an empty one."""
    fields = {entry.id: _ledger_fields(entry) for entry in entries}
    return fingerprint(fields) if fields else b""


def ledger_writes(
    org_id: str,
    customer_id: str,
    before: Mapping[str, Fields],
    entries: Iterable[LedgerEntry],
) -> list[Write]:
    """The writes that turn the stored entries ``before`` into ``entries``."""
    ledger = paths.points_ledger(org_id, customer_id)
    after = {entry.id: _ledger_fields(entry) for entry in entries}
    changed = [entry_id for entry_id in after if before.get(entry_id) != after[entry_id]]
    return [
        *(Put(f"{ledger}/{entry_id}", after[entry_id]) for entry_id in changed),
        *(Remove(f"{ledger}/{entry_id}") for entry_id in before if entry_id not in after),
    ]


def _ledger_fields(entry: LedgerEntry) -> dict[str, Any]:
    """``total`` in dollars."""
    return {
        "orderId": entry.id,
        "at": entry.at,
        "total": to_dollars(entry.total_cents),
        "points": entry.points,
        "balance": entry.balance,
    }
