"""The loyalty fields of ``tenants/{orgId}/customers/{id}``, and finding customers by them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.loyalty import Reconciliation, TierSource
from shared.domain.money import to_cents
from shared.store import paths
from shared.store.database import Database, Document, Filter, Update
from shared.store.spending import id_key

OWNED = (
    "points",
    "pointsFromOrders",
    "pointsFromAlpine",
    "tierSource",
    "loyaltyTier",
    "loyaltyReconciled",
    "loyaltyDiscrepancy",
    "alpineUserId",
)
"""Fields that loyalty alone writes, ``pointsLastCalculated`` beside them when one changes."""

READ = ("email", "phone", "socialEquity", "pointsLastCalculated", *OWNED)

AT_ALPINE: Filter = ("tierSource", "==", TierSource.ALPINE_IQ.value)
RECONCILED: Filter = ("loyaltyReconciled", "==", True)
NOT_RECONCILED: Filter = ("loyaltyReconciled", "==", False)
CALCULATED: Filter = ("pointsFromOrders", ">=", 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """An org's customers by what is known of their points."""

    total_customers: int
    with_alpine_sync: int
    with_calculated_points: int
    reconciled: int
    needs_review: int


def customers(database: Database, org_id: str, ids: Sequence[str]) -> list[Document]:
    """Those of the customers that exist, with the fields that loyalty reads."""
    found = database.get_all([f"{paths.customers(org_id)}/{i}" for i in ids], READ)
    return [document for document in found.values() if document.exists]


def update(org_id: str, customer: Document, result: Reconciliation, now: datetime) -> Update | None:
    """The write for a customer's loyalty fields; None when they already stand there."""
    fields = _fields(result)
    if all(customer.fields.get(name) == value for name, value in fields.items()):
        return None
    path = f"{paths.customers(org_id)}/{customer.id}"
    return Update(path, fields | {"pointsLastCalculated": now})


def all_ids(database: Database, org_id: str) -> list[str]:
    """Every customer's id."""
    return [document.id for document in database.query(paths.customers(org_id), select=[])]


def how_many(database: Database, org_id: str) -> int:
    """How many customers there are, without reading them."""
    return database.totals(paths.customers(org_id)).count


def with_equity(database: Database, org_id: str) -> set[str]:
    """Ids of the customers whom the merchant has flagged as social-equity customers."""
    flagged = database.query(paths.customers(org_id), ("socialEquity", "==", True), select=[])
    return {document.id for document in flagged}


def spending_since(
    database: Database, org_id: str, since: datetime
) -> Iterator[tuple[str, int, int]]:
    """Customer id, cents spent and number of orders of those whose spending document was written
    at ``since`` or later."""
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
    """The customers whose two figures a person must look at, by id."""
    found = database.query(paths.customers(org_id), AT_ALPINE, NOT_RECONCILED)
    return sorted(found, key=lambda document: document.id)


def counts(database: Database, org_id: str) -> Counts:
    """The org's counts, without reading the customers."""
    collection = paths.customers(org_id)
    return Counts(
        total_customers=database.totals(collection).count,
        with_alpine_sync=database.totals(collection, AT_ALPINE).count,
        with_calculated_points=database.totals(collection, CALCULATED).count,
        reconciled=database.totals(collection, RECONCILED).count,
        needs_review=database.totals(collection, AT_ALPINE, NOT_RECONCILED).count,
    )


def _fields(result: Reconciliation) -> dict[str, Any]:
    return {
        "points": result.points,
        "pointsFromOrders": result.points_from_orders,
        "pointsFromAlpine": result.points_from_alpine,
        "tierSource": result.tier_source.value,
        "loyaltyTier": result.tier.id if result.tier else None,
        "loyaltyReconciled": result.reconciled,
        "loyaltyDiscrepancy": result.discrepancy,
        "alpineUserId": result.alpine_user_id,
    }
