"""The secrets that an org's webhooks may be signed with, remembered for a while.

What becomes of a webhook: known or a repeat, kept, and its records asked for.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog
from cachetools import TTLCache
from pydantic import SecretStr

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.runs import WEBHOOK_RUN
from shared.errors import ConfigurationInvalid, RetryLater, Unauthenticated
from shared.outbound.secrets import SecretResolver
from shared.pos.port import PosEvent
from shared.store import locations, webhook_events
from shared.store.database import Conflict, Database

REMEMBERED_SECONDS = 60.0
MOST_ORGS = 10_000

log = structlog.get_logger(__name__)


class WebhookSecrets:
    """``posConfig.webhookSecret`` of an org's active locations. Orgs without one are remembered
    too: what a forger makes up costs no more than what exists."""

    def __init__(self, database: Database, resolver: SecretResolver) -> None:
        self._database = database
        self._resolver = resolver
        self._lock = threading.Lock()
        self._known: TTLCache[tuple[str, str], tuple[SecretStr, ...]] = TTLCache(
            MOST_ORGS, REMEMBERED_SECONDS
        )

    def __call__(self, org_id: str, provider: str) -> Sequence[SecretStr]:
        """The secrets, none for an unknown org. One that cannot be read is left out."""
        with self._lock:
            known = self._known.get((org_id, provider))
        if known is not None:
            return known
        found = tuple(self._read(org_id, provider))
        with self._lock:
            self._known[org_id, provider] = found
        return found

    def _read(self, org_id: str, provider: str) -> Sequence[SecretStr]:
        secrets = []
        for location_id, secret in locations.webhook_secrets(self._database, org_id, provider):
            where = f"posConfig.webhookSecret of location {location_id}"
            try:
                secrets.append(self._resolver.text_of(secret, where))
            except ConfigurationInvalid as error:
                log.warning("webhook_secret_unreadable", org_id=org_id, reason=str(error))
        return secrets


MOST_SECONDS_AGO = timedelta(minutes=5)


class Stale(Unauthenticated):
    """A webhook that was signed too long ago, or in the future: somebody may be repeating it."""


class WebhookOutcome(StrEnum):
    """What became of a webhook."""

    QUEUED = "queued"
    DUPLICATE = "duplicate"
    KEPT = "kept"  # of a kind that Sync Sam does not know, or naming no record


@dataclass(frozen=True, slots=True)
class ReceiveWebhook:
    """Takes in the webhooks of one provider, whose bodies ``read`` reads. Nothing here calls the
    POS: that is the work of ``org_sync``, behind the answer."""

    provider: str
    read: Callable[[bytes], PosEvent]
    database: Database
    pos_sync: Publisher
    clock: Clock

    def __call__(self, org_id: str, body: bytes) -> WebhookOutcome:
        """Take in a webhook that is proven to be of this org's POS.

        Raises RequestInvalid for a body that is no event, Stale, and RetryLater where the
        records could not be asked for: the POS then sends it again.
        """
        event = self.read(body)
        now = self.clock()
        if event.sent_at is not None and abs(now - event.sent_at) > MOST_SECONDS_AGO:
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
            self._ask(org_id, key, event)
        log.info("webhook_received", event_kind=event.kind, outcome=outcome, org_id=org_id)
        return outcome

    def _key(self, event: PosEvent, body: bytes) -> str:
        """Both an event's own id and its body are signed: nobody can make a repeat look new."""
        told = f"{event.kind}/{event.id}".encode() if event.id else body
        return hashlib.blake2b(told, digest_size=16, person=self.provider.encode()).hexdigest()

    def _ask(self, org_id: str, key: str, event: PosEvent) -> None:
        message = PosSync(
            org_id=org_id,
            run_id=WEBHOOK_RUN + key,
            trigger="webhook",
            customer_ids=event.customer_ids or None,
            order_ids=event.order_ids or None,
            product_ids=event.product_ids or None,
        )
        try:
            self.pos_sync.publish([message])
        except Exception as error:
            self.database.commit([webhook_events.remove(org_id, key)])
            raise RetryLater("the webhook could not be passed on") from error
