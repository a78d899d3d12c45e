"""Which of many orgs have an active POS location, without reading all of them."""

from collections.abc import Iterable
from datetime import datetime

from shared.store import paths
from shared.store.customers import IN_LIMIT
from shared.store.database import Database


def active_among(database: Database, org_ids: Iterable[str]) -> set[str]:
    """Those of the orgs that have an active POS location."""
    wanted = sorted(set(org_ids))
    found: set[str] = set()
    for start in range(0, len(wanted), IN_LIMIT):
        active = database.query(
            paths.LOCATIONS,
            ("orgId", "in", wanted[start : start + IN_LIMIT]),
            ("posConfig.status", "==", "active"),
            select=["orgId"],
        )
        found.update(str(document.fields["orgId"]) for document in active)
    return found


def active_since(database: Database, before: datetime, limit: int) -> dict[str, datetime]:
    """Orgs with a location that is active and was last changed before a moment, and since when;
    found by looking at ``limit`` active locations at most."""
    found = database.query(
        paths.LOCATIONS, ("posConfig.status", "==", "active"), select=["orgId"], limit=limit
    )
    return {
        str(d.fields["orgId"]): d.version
        for d in found
        if d.version is not None and d.version < before and d.fields.get("orgId")
    }
