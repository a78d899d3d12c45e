"""``tenants/{orgId}/products/{id}/price_history/{entryId}``: each change of a price or cost."""

from datetime import UTC, datetime
from typing import Any

from shared.domain.money import to_dollars
from shared.store import paths
from shared.store.database import Database, Document, Put
from shared.store.price_list import PricedProduct


def put(
    org_id: str,
    before: PricedProduct,
    after: PricedProduct,
    *,
    source: str | None,
    run_id: str,
    now: datetime,
) -> Put:
    """The write that keeps a change. Its id is the moment since which the old price had held: a
    change that is written twice, because a run was taken up again, is one entry. ``source`` is
    the new price's."""
    entry_id = before.since.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    fields: dict[str, Any] = {
        "productId": after.id,
        "price": _dollars(after.price_cents),
        "previousPrice": _dollars(before.price_cents),
        "priceSource": source,
        "cost": _dollars(after.cost_cents),
        "previousCost": _dollars(before.cost_cents),
        "previousSince": before.since,
        "changedAt": now,
        "syncRunId": run_id,
        "orgId": org_id,
    }
    return Put(f"{paths.price_history(org_id, after.id)}/{entry_id}", fields)


def newest(database: Database, org_id: str, product_id: str, limit: int) -> list[Document]:
    """The last changes, the newest first."""
    return list(
        database.query(
            paths.price_history(org_id, product_id),
            order_by=[("changedAt", "DESCENDING")],
            limit=limit,
        )
    )


def _dollars(cents: int | None) -> float | None:
    return None if cents is None else to_dollars(cents)
