"""``integrations/pos``: the state of an org's sync as a dashboard shows it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.store import paths
from shared.store.database import Database, Put

PAUSED = "paused"

OWNED = (
    "status",
    "provider",
    "lastSyncAt",
    "lastSuccessAt",
    "lastRunId",
    "lastError",
    "lastErrorCode",
    "lastErrorOwner",
    "customersCount",
    "ordersCount",
    "menuProductsCount",
    "ordersSkipped",
    "quarantined",
    "deletionsHeld",
    "durationSeconds",
    "nextTryAt",
)


def put(org_id: str, fields: Mapping[str, Any]) -> Put:
    """The write for the status. Other fields of the document survive. Raises ValueError for a
    field that is not of OWNED."""
    return Put(paths.pos_status(org_id), fields, owned=OWNED)


def put_error(org_id: str, run_id: str, now: datetime, error: dict[str, Any]) -> Put:
    """The write for a run that ended without counting anything: the counts before it survive."""
    fields = {"status": "error", "lastSyncAt": now, "lastRunId": run_id, **error}
    return Put(paths.pos_status(org_id), fields, owned=tuple(fields))


def paused_until(database: Database, org_id: str) -> datetime | None:
    """When the org is next to be tried, where its sync is paused."""
    fields = database.get(paths.pos_status(org_id)).fields
    return fields.get("nextTryAt") if fields.get("status") == PAUSED else None


def last_successes(database: Database, org_ids: Iterable[str]) -> dict[str, datetime | None]:
    """When each of the orgs last succeeded, None where one never did. Paused orgs, which are not
    expected to, are left out."""
    found = database.get_all([paths.pos_status(org_id) for org_id in org_ids])
    return {
        paths.org_of(path): document.fields.get("lastSuccessAt")
        for path, document in found.items()
        if document.fields.get("status") != PAUSED
    }


def last_succeeded(
    database: Database, after: datetime, before: datetime, limit: int
) -> dict[str, datetime]:
    """Orgs that are not paused and whose last success is between two moments, the latest
    ``limit`` of them."""
    found = database.query(
        paths.INTEGRATIONS,
        ("lastSuccessAt", ">", after),
        ("lastSuccessAt", "<", before),
        order_by=[("lastSuccessAt", "DESCENDING")],
        limit=limit,
        everywhere=True,
    )
    return {
        paths.org_of(document.path): document.fields["lastSuccessAt"]
        for document in found
        if document.id == paths.POS and document.fields.get("status") != PAUSED
    }


def menu_changed(org_id: str, now: datetime) -> Put:
    """The write that invalidates cached menus after a change between two syncs."""
    return Put(paths.pos_status(org_id), {"menuChangedAt": now}, owned=("menuChangedAt",))
