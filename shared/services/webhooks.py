"""Receiving webhooks: the secrets they may be signed with; a new one is stored and its records are
requested, a repeat is not."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog
from pydantic import SecretStr

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.cache import ExpiringCache
from shared.clock import Clock
from shared.domain.runs import STREAMS_RUN, WEBHOOK_RUN
from shared.errors import ConfigurationInvalid, RetryLater, Unauthenticated
from shared.outbound.credentials import SecretResolver
from shared.pos.port import PosEvent
from shared.store import locations, webhook_events
from shared.store.database import Conflict, Database
from shared.store.webhook_events import StoredWebhook

ORGS_KEPT = 10_000
KEPT_SECONDS = 60.0
MAX_AGE = timedelta(minutes=5)

log = structlog.get_logger(__name__)


class WebhookSecrets:
    """``posConfig.webhookSecret`` of an org's active locations, cached for KEPT_SECONDS, as is that
    there is none: forged requests must not cost more reads than valid ones."""

    def __init__(self, database: Database, resolver: SecretResolver) -> None:
        self._database = database
        self._resolver = resolver
        self._kept = ExpiringCache[tuple[str, str], Sequence[SecretStr]](ORGS_KEPT)

    def __call__(self, org_id: str, provider: str) -> Sequence[SecretStr]:
        """The secrets, none for an unknown org. Unreadable ones are left out."""
        key = org_id, provider
        return self._kept.get_or(key, KEPT_SECONDS, lambda: self._read(org_id, provider))

    def _read(self, org_id: str, provider: str) -> Sequence[SecretStr]:
        secrets = []
        for location_id, secret in locations.webhook_secrets(self._database, org_id, provider):
            where = f"posConfig.webhookSecret of location {location_id}"
            try:
                secrets.append(self._resolver.text_of(secret, where))
            except ConfigurationInvalid as error:
                log.warning("webhook_secret_unreadable", org_id=org_id, reason=str(error))
        return secrets


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

    provider: str
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
        key = self._key(event, body)
        outcome = WebhookOutcome.QUEUED if event.names_records else WebhookOutcome.KEPT
        try:
            self.database.commit(
                [webhook_events.create(org_id, key, self.provider, event, body, now)]
            )
        except Conflict:
            outcome = WebhookOutcome.DUPLICATE
        if outcome is WebhookOutcome.QUEUED:
            try:
                self.pos_sync.publish([request(org_id, key, event)])
            except Exception as error:
                self.database.commit([webhook_events.remove(org_id, key)])
                raise RetryLater("the webhook could not be passed on") from error
        log.info("webhook_received", event_kind=event.kind, outcome=outcome, org_id=org_id)
        return outcome

    def _key(self, event: PosEvent, body: bytes) -> str:
        """The event's id and the body are both signed: a repeat cannot be made to look new."""
        unique = f"{event.kind}/{event.id}".encode() if event.id else body
        return hashlib.blake2b(unique, digest_size=16, person=self.provider.encode()).hexdigest()


def request(org_id: str, key: str, event: PosEvent | StoredWebhook) -> PosSync:
    """The message that requests the records of an event stored under ``key``, or where it names
    too many, a sync of their streams."""
    if streams := webhook_events.streams_of(event):
        run_id = STREAMS_RUN + key
        return PosSync(org_id=org_id, run_id=run_id, trigger="webhook", streams=streams)
    return PosSync(
        org_id=org_id,
        run_id=WEBHOOK_RUN + key,
        trigger="webhook",
        customer_ids=event.customer_ids or None,
        order_ids=event.order_ids or None,
        product_ids=event.product_ids or None,
    )
