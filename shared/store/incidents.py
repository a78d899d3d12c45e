"""``tenants/{orgId}/incidents/{key}``, and ``incidents/{key}`` for those of no org. ``expireAt`` is
a TTL field."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.incidents import Incident
from shared.store import paths
from shared.store.database import Database, put_if_version


@dataclass(frozen=True, slots=True)
class StoredIncident:
    """An incident and the version it was read at; both None where there never was one."""

    incident: Incident | None
    version: datetime | None


def read(database: Database, org_id: str | None, key: str) -> StoredIncident:
    """The incident of that key. One read."""
    found = database.get(paths.incident(org_id, key))
    incident = Incident.model_validate(found.fields) if found.exists else None
    return StoredIncident(incident, found.version)


def write(database: Database, incident: Incident, if_version: datetime | None) -> datetime:
    """Store it; returns its new version. Raises Conflict unless it is still of that version, or
    absent (None)."""
    path = paths.incident(incident.org_id, incident.key)
    fields = incident.model_dump(by_alias=True)
    version = database.commit([put_if_version(path, fields, if_version)])
    assert version is not None  # one document was written, so it has one
    return version


def open_ones(database: Database, limit: int) -> list[Incident]:
    """Open incidents, of all orgs and of none."""
    found = database.query(paths.INCIDENTS, ("state", "==", "open"), limit=limit, everywhere=True)
    return [Incident.model_validate(document.fields) for document in found]


def of_org(database: Database, org_id: str, limit: int) -> list[Incident]:
    """The org's incidents of the last year, open ones and others: one of each kind."""
    found = database.query(paths.incidents(org_id), limit=limit)
    return [Incident.model_validate(document.fields) for document in found]
