"""``tenants/{orgId}/webhook_events/{key}``: what a POS told of. Each event is there once, which is
how one that comes twice is known; those that wait are the work of the org's next run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.pos.port import PosEvent
from shared.store import paths
from shared.store.database import Create, Database, Remove, Update

KEPT = timedelta(hours=24)
"""For how long a repeat is known as one; the rest of the document's life with it."""
KEPT_UNKNOWN = timedelta(days=30)
RAW_LIMIT = 200_000

WAITING, DONE, FAILED, UNKNOWN = "waiting", "done", "failed", "unknown"


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """An event as it is kept, and the records it names."""

    key: str
    received_at: datetime
    customer_ids: tuple[str, ...]
    order_ids: tuple[str, ...]
    product_ids: tuple[str, ...]


def create(
    org_id: str, key: str, provider: str, event: PosEvent, raw: bytes, now: datetime
) -> Create:
    """The write for an event; a conflict where it came before. One that names no records is kept
    as it was sent, for somebody to look at."""
    fields: dict[str, Any] = {
        "provider": provider,
        "event": event.kind,
        "state": WAITING if event.names_records else UNKNOWN,
        "customerIds": list(event.customer_ids),
        "orderIds": list(event.order_ids),
        "productIds": list(event.product_ids),
        "receivedAt": now,
        "expireAt": now + KEPT,
    }
    if event.id:
        fields["eventId"] = event.id
    if not event.names_records:
        fields["raw"] = raw.decode(errors="replace")[:RAW_LIMIT]
        fields["expireAt"] = now + KEPT_UNKNOWN
    return Create(_path(org_id, key), fields)


def remove(org_id: str, key: str) -> Remove:
    """The write that takes an event back, so that its repeat is taken for the first."""
    return Remove(_path(org_id, key))


def is_settled(database: Database, org_id: str, key: str) -> bool:
    """Whether a run has seen to the event; false where none is kept."""
    return database.get(_path(org_id, key)).fields.get("state") in (DONE, FAILED)


def waiting(database: Database, org_id: str, limit: int) -> list[StoredWebhook]:
    """Events whose records are still to be fetched."""
    found = database.query(
        paths.webhook_events(org_id),
        ("state", "==", WAITING),
        select=["receivedAt", "customerIds", "orderIds", "productIds"],
        limit=limit,
    )
    return [
        StoredWebhook(
            document.id,
            document.fields["receivedAt"],
            tuple(document.fields["customerIds"]),
            tuple(document.fields["orderIds"]),
            tuple(document.fields["productIds"]),
        )
        for document in found
    ]


def settled(
    org_id: str, keys: Sequence[str], *, run_id: str, state: str, now: datetime
) -> list[Update]:
    """The writes for events that a run has seen to: ``state`` is DONE or FAILED."""
    fields = {"state": state, "runId": run_id, "settledAt": now}
    return [Update(_path(org_id, key), fields) for key in keys]


def _path(org_id: str, key: str) -> str:
    return f"{paths.webhook_events(org_id)}/{key}"
