"""``tenants/{orgId}/audit/{id}``, and ``audit/{id}`` for what concerns no org: who decided or
changed what. Entries are only added; ``expireAt`` is a TTL field."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from shared.models import FrozenCamelModel
from shared.store import paths
from shared.store.database import Create, Database

KEPT = timedelta(days=400)
ABOUT_ONE = 20
"""Entries that say of one org, which concern no org any more, that it is erased."""

Action = Literal[
    "sync_started",
    "dry_run_started",
    "loyalty_started",
    "metrics_started",
    "repair_started",
    "export_imported",
    "removal_approved",
    "removal_refused",
    "quarantine_replayed",
    "dead_letter_replayed",
    "loyalty_reviewed",
    "location_added",
    "location_changed",
    "location_paused",
    "location_resumed",
    "settings_changed",
    "webhook_secret_exchanged",
    "webhooks_registered",
    "webhooks_removed",
    "alerts_tested",
    "pos_customer_created",
    "pos_order_created",
    "pos_discount_applied",
    "customer_erased",
    "org_erasure_asked",
    "org_erased",
]
"""What people do. An entry that is stored may have the name of an action that is no more."""


class AuditEntry(FrozenCamelModel):
    """What somebody did: ``by`` is the person's uid, or the name of a program, ``action`` a
    constant name, ``target`` what it was done to, by ids. Holds no secret and no personal data."""

    at: datetime
    by: str
    action: str
    org_id: str | None = None
    target: str = ""
    request_id: str = ""


def add(entry: AuditEntry) -> Create:
    """The write for one more entry."""
    fields = entry.model_dump(by_alias=True, exclude_none=True)
    path = f"{paths.audit(entry.org_id)}/{uuid.uuid4().hex}"
    return Create(path, {**fields, "expireAt": entry.at + KEPT})


def is_erased_org(database: Database, org_id: str) -> bool:
    """Whether the erasure of an org was asked for: of one that is not known, whether there was
    such an org once."""
    found = database.query(
        paths.audit(None), ("target", "==", org_id), select=["action"], limit=ABOUT_ONE
    )
    return any(each.fields.get("action") == "org_erasure_asked" for each in found)


def latest(
    database: Database, org_id: str | None, limit: int, before: datetime | None = None
) -> Iterator[AuditEntry]:
    """The entries of an org, or those of none, the latest first; only those ``before`` a moment if
    given."""
    older = () if before is None else (("at", "<", before),)
    found = database.query(
        paths.audit(org_id), *older, order_by=[("at", "DESCENDING")], limit=limit
    )
    return (AuditEntry.model_validate(document.fields) for document in found)
