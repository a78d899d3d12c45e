"""Receiving webhooks: a new one is stored and its records are requested, a repeat is not. Whose it
is, webhook_senders.py finds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.providers import Provider
from shared.domain.runs import STREAMS_RUN, WEBHOOK_RUN
from shared.errors import RetryLater, Unauthenticated
from shared.pos.port import PosEvent
from shared.store import webhook_events
from shared.store.database import Conflict, Database
from shared.store.webhook_events import StoredWebhook

MAX_AGE = timedelta(minutes=5)

log = structlog.get_logger(__name__)


class Stale(Unauthenticated):
    """A webhook signed too long ago, or in the future: it may be a replay."""


class WebhookOutcome(StrEnum):
    """What was done with a webhook."""

    QUEUED = "queued"
    DUPLICATE = "duplicate"
    KEPT = "kept"  # of an unknown kind, or naming no record


@dataclass(frozen=True, slots=True)
class ReceiveWebhook:
    """Receives the webhooks of one provider, whose bodies ``read`` parses. The POS is not called
    here: ``org_sync`` does that later."""

    provider: Provider
    read: Callable[[bytes], PosEvent]
    database: Database
    pos_sync: Publisher
    clock: Clock

    def __call__(self, org_id: str, body: bytes) -> WebhookOutcome:
        """Receive a webhook whose signature is that of this org's POS.

        Raises RequestInvalid for a body that is not an event, Stale, and RetryLater where the
        records could not be requested: the POS then sends it again.
        """
        event = self.read(body)
        now = self.clock()
        if event.sent_at is not None and abs(now - event.sent_at) > MAX_AGE:
            raise Stale("the signature does not fit")
        key = event_key(self.provider, event, body)
        outcome = WebhookOutcome.QUEUED if event.names_records else WebhookOutcome.KEPT
        try:
            self.database.commit(
                [webhook_events.create(org_id, key, self.provider, event, body, now)]
            )
        except Conflict:
            outcome = WebhookOutcome.DUPLICATE
        if outcome is WebhookOutcome.QUEUED:
            try:
                self.pos_sync.publish([request(org_id, key, event, self.provider)])
            except Exception as error:
                self.database.commit([webhook_events.remove(org_id, key)])
                raise RetryLater("the webhook could not be passed on") from error
        log.info("webhook_received", event_kind=event.kind, outcome=outcome, org_id=org_id)
        return outcome


def event_key(provider: Provider, event: PosEvent, body: bytes) -> str:
    """Under what an event is stored. Its id and the body are both signed: a repeat cannot be made
    to look new."""
    unique = f"{event.kind}/{event.id}".encode() if event.id else body
    return hashlib.blake2b(unique, digest_size=16, person=provider.encode()).hexdigest()


def request(org_id: str, key: str, event: PosEvent | StoredWebhook, provider: Provider) -> PosSync:
    """The message that requests the records of an event stored under ``key``, or where it names
    too many, a sync of their streams; at the provider whose records they are."""
    if streams := webhook_events.streams_of(event):
        return PosSync(
            org_id=org_id,
            run_id=STREAMS_RUN + key,
            trigger="webhook",
            streams=streams,
            provider=provider,
        )
    return PosSync(
        org_id=org_id,
        run_id=WEBHOOK_RUN + key,
        trigger="webhook",
        provider=provider,
        customer_ids=event.customer_ids or None,
        order_ids=event.order_ids or None,
        product_ids=event.product_ids or None,
    )
