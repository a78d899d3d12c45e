"""``tenants/{orgId}/webhook_events/{key}``: the webhooks of a POS. Each is stored once, by which a
repeat is detected; those in state WAITING are the work of the org's next targeted run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from shared.domain.providers import ALLEAVES, Provider, known_provider
from shared.models import FrozenCamelModel
from shared.pos.port import PosEvent
from shared.store import paths
from shared.store.database import Create, Database, Remove, Update

KEPT = timedelta(hours=60)
"""For how long a repeat is detected (``expireAt`` is a TTL field): Lightspeed sends again for 48 h
what it got no answer to."""
KEPT_UNKNOWN = timedelta(days=30)
RAW_LIMIT = 200_000
MOST_NAMED = 100
"""Records of all kinds that are fetched one by one for an event."""

WAITING, DONE, FAILED, UNKNOWN = "waiting", "done", "failed", "unknown"
NOT_FOUND = "not_found"
"""The POS does not have a record that the event names."""
DELETION = ".deleted"
"""How the names of events end that announce that a record is gone."""


Stream = Literal["customers", "orders", "products"]
_LISTED = ("event", "receivedAt", "customerIds", "orderIds", "productIds")


class StoredWebhook(FrozenCamelModel):
    """An event as stored, and the ids of the records it names; of one that names more than
    MOST_NAMED only their ``streams``, which are synced instead. ``provider``: whose records."""

    key: str
    event: str
    """The POS's own name for its kind."""
    received_at: datetime
    customer_ids: tuple[str, ...]
    order_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    streams: tuple[Stream, ...] = ()
    provider: Annotated[Provider, BeforeValidator(known_provider)] = ALLEAVES


def named(event: PosEvent | StoredWebhook) -> int:
    """How many records the event names."""
    return len(event.customer_ids) + len(event.order_ids) + len(event.product_ids)


def streams_of(event: PosEvent | StoredWebhook) -> tuple[Stream, ...]:
    """The streams to sync for an event that names more than MOST_NAMED records; none for others."""
    if isinstance(event, StoredWebhook) and event.streams:
        return event.streams
    if named(event) <= MOST_NAMED:
        return ()
    ids: dict[Stream, Sequence[str]] = {
        "customers": event.customer_ids,
        "orders": event.order_ids,
        "products": event.product_ids,
    }
    return tuple(stream for stream, theirs in ids.items() if theirs)


@dataclass(frozen=True, slots=True)
class Processed:
    """How the processing of an event ended: DONE, FAILED or NOT_FOUND, and which of its records the
    POS does not have."""

    state: str
    not_found: tuple[str, ...] = ()


def create(
    org_id: str, key: str, provider: str, event: PosEvent, raw: bytes, now: datetime
) -> Create:
    """The write for an event about a provider's records; a conflict for a repeat. One that names
    none is stored as it was sent, for people to look at."""
    streams = streams_of(event)
    fields: dict[str, Any] = {
        "provider": provider,
        "event": event.kind,
        "state": WAITING if event.names_records else UNKNOWN,
        "customerIds": [] if streams else list(event.customer_ids),
        "orderIds": [] if streams else list(event.order_ids),
        "productIds": [] if streams else list(event.product_ids),
        "receivedAt": now,
        "expireAt": now + (KEPT if event.names_records else KEPT_UNKNOWN),
    }
    if streams:
        fields["streams"] = list(streams)
    if event.id:
        fields["eventId"] = event.id
    if not event.names_records:
        fields["raw"] = raw.decode(errors="replace")[:RAW_LIMIT]
    return Create(_path(org_id, key), fields)


def remove(org_id: str, key: str) -> Remove:
    """The write that deletes an event, so that its repeat is accepted."""
    return Remove(_path(org_id, key))


@dataclass(frozen=True, slots=True)
class WebhookState:
    """What became of an event: its state, the run that processed it, when it came and when that was
    done, and which of its records the POS does not have."""

    state: str
    run_id: str | None
    received_at: datetime
    settled_at: datetime | None
    not_found: tuple[str, ...]

    @property
    def settled(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state != WAITING


def state_of(database: Database, org_id: str, key: str) -> WebhookState | None:
    """What became of the event that is stored under a key; None where none is."""
    fields = database.get(_path(org_id, key)).fields
    if not fields:
        return None
    return WebhookState(
        state=str(fields["state"]),
        run_id=fields.get("runId"),
        received_at=fields["receivedAt"],
        settled_at=fields.get("settledAt"),
        not_found=tuple(fields.get("notFound", ())),
    )


def is_processed(database: Database, org_id: str, key: str) -> bool:
    """Whether a run has processed the event; false where none is stored."""
    return database.get(_path(org_id, key)).fields.get("state") in (DONE, FAILED, NOT_FOUND)


def is_waiting(database: Database, org_id: str, key: str) -> bool:
    """Whether the event is stored and no run has processed it."""
    return database.get(_path(org_id, key)).fields.get("state") == WAITING


def waiting(database: Database, org_id: str, limit: int) -> list[StoredWebhook]:
    """Events whose records are still to be fetched."""
    found = database.query(
        paths.webhook_events(org_id),
        ("state", "==", WAITING),
        select=[*_LISTED, "streams", "provider"],
        limit=limit,
    )
    return [StoredWebhook.model_validate({**each.fields, "key": each.id}) for each in found]


def processed(
    org_id: str, events: Mapping[str, Processed], *, run_id: str, now: datetime
) -> list[Update]:
    """The writes for events that a run has processed, by key."""
    return [
        Update(
            _path(org_id, key),
            {
                "state": each.state,
                "runId": run_id,
                "settledAt": now,
                **({"notFound": list(each.not_found)} if each.not_found else {}),
            },
        )
        for key, each in events.items()
    ]


def _path(org_id: str, key: str) -> str:
    return f"{paths.webhook_events(org_id)}/{key}"
