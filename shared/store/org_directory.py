"""How an org's id is spelled where its documents stand."""

import time
from collections.abc import Callable

from shared.domain.org_ids import spellings
from shared.store import paths
from shared.store.database import Database

REMEMBERED_SECONDS = 300.0


class OrgDirectory:
    """Finds orgs by any spelling of their id; those found are remembered for a while."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._found: dict[str, tuple[str, float]] = {}

    def __call__(self, org_id: str) -> str | None:
        """The id as stored, None where there is no such org: neither a tenant nor a location."""
        known = self._found.get(org_id)
        if known and self._monotonic() < known[1]:
            return known[0]
        found = self._look_up(org_id)
        if found is not None:
            self._found[org_id] = (found, self._monotonic() + REMEMBERED_SECONDS)
        return found

    def _look_up(self, org_id: str) -> str | None:
        names = spellings(org_id)
        tenants = self._database.get_all([paths.tenant(name) for name in names], ["name"])
        stored = {document.id for document in tenants.values() if document.exists}
        if not stored:
            locations = self._database.query(
                paths.LOCATIONS, ("orgId", "in", list(names)), select=["orgId"]
            )
            stored = {str(document.fields["orgId"]) for document in locations}
        return next((name for name in names if name in stored), None)
