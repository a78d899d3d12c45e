"""``tenants/{orgId}/notifications/{key}``: what an org was told, so that it is told once.
``expireAt`` is a TTL field."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.notifications import Notification
from shared.store import paths
from shared.store.database import Database, put_if_version


@dataclass(frozen=True, slots=True)
class StoredNotification:
    """A notification and the version it was read at; both None where there is none."""

    notification: Notification | None
    version: datetime | None


def read(database: Database, org_id: str, key: str) -> StoredNotification:
    """The notification of that key. One read."""
    found = database.get(paths.notification(org_id, key))
    notification = Notification.model_validate(found.fields) if found.exists else None
    return StoredNotification(notification, found.version)


def write(
    database: Database, org_id: str, notification: Notification, if_version: datetime | None
) -> datetime:
    """Store it; returns its new version. Raises Conflict unless it is still of that version, or
    absent (None)."""
    path = paths.notification(org_id, notification.key)
    fields = notification.model_dump(by_alias=True)
    version = database.commit([put_if_version(path, fields, if_version)])
    assert version is not None  # one document was written, so it has one
    return version
