"""``integrations/pos``: the state of an org's sync as a dashboard shows it."""

from typing import Any

from shared.store import paths
from shared.store.database import Put

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
)


def put(org_id: str, fields: dict[str, Any]) -> Put:
    """The write for the status; what other parts of the product keep there survives."""
    return Put(paths.pos_status(org_id), fields, owned=OWNED)
