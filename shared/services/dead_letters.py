"""What could not be processed after every delivery: recorded, and the run it belonged to closed."""

from dataclasses import dataclass

import structlog

from shared.bus.events import Delivery
from shared.bus.messages import PosSync
from shared.clock import Clock
from shared.errors import InvalidMessage
from shared.services.sync.ending import give_up
from shared.store import dead_letters
from shared.store.database import Database

SOURCE_ATTRIBUTE = "CloudPubSubDeadLetterSourceSubscription"
ATTEMPTS_ATTRIBUTE = "CloudPubSubDeadLetterSourceDeliveryCount"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecordDeadLetter:
    """Records dead letters."""

    database: Database
    clock: Clock

    def __call__(self, received: Delivery) -> None:
        """Record one; a run whose message died can go on no more and says so."""
        subscription = received.attributes.get(SOURCE_ATTRIBUTE, "unknown")
        attempts = received.attributes.get(ATTEMPTS_ATTRIBUTE, "all")
        dead_letters.record(
            self.database,
            received.id,
            topic=subscription,
            text=received.text,
            code="delivery_attempts_exhausted",
            reason=f"not processed after {attempts} deliveries",
            now=self.clock(),
        )
        log.error("dead_letter_recorded", subscription=subscription)
        try:
            message = PosSync.parse(received.json())
        except InvalidMessage:
            return
        give_up(self.database, message.org_id, message.run_id, self.clock())
