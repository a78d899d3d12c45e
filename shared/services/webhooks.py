"""What becomes of a webhook: known or a repeat, kept, and its records asked for."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.pos_event import PosEvent
from shared.domain.runs import WEBHOOK_RUN
from shared.errors import NotSignedIn, RetryLater
from shared.store import webhook_events
from shared.store.database import Conflict, Database

MOST_SECONDS_AGO = timedelta(minutes=5)

log = structlog.get_logger(__name__)


class Stale(NotSignedIn):
    """A webhook that was signed too long ago, or in the future: somebody may be repeating it."""


class Outcome(StrEnum):
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

    def __call__(self, org_id: str, body: bytes) -> Outcome:
        """Take in a webhook that is proven to be of this org's POS.

        Raises RequestInvalid for a body that is no event, Stale, and RetryLater where the
        records could not be asked for: the POS then sends it again.
        """
        event = self.read(body)
        now = self.clock()
        if event.sent_at is not None and abs(now - event.sent_at) > MOST_SECONDS_AGO:
            raise Stale("the signature does not fit")
        key = self._key(event, body)
        outcome = Outcome.QUEUED if event.names_records else Outcome.KEPT
        try:
            self.database.commit(
                [webhook_events.create(org_id, key, self.provider, event, body, now)]
            )
        except Conflict:
            outcome = Outcome.DUPLICATE
        if outcome is Outcome.QUEUED:
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
