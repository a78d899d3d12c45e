"""Messages that no delivery could process: each is recorded, and its run ended."""

from dataclasses import dataclass

import structlog

from shared.bus.events import Delivery
from shared.bus.messages import PosSync
from shared.clock import Clock
from shared.errors import InvalidMessage
from shared.services.alerts import Alerts
from shared.services.runs.failure import give_up
from shared.services.sync.run_end import GIVEN_UP
from shared.store import dead_letters, paths, runs
from shared.store import lease as leases
from shared.store.database import Conflict, Database

SOURCE_ATTRIBUTE = "CloudPubSubDeadLetterSourceSubscription"
ATTEMPTS_ATTRIBUTE = "CloudPubSubDeadLetterSourceDeliveryCount"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecordDeadLetter:
    """Records dead letters."""

    database: Database
    alerts: Alerts
    clock: Clock

    def __call__(self, received: Delivery) -> None:
        """Record one, and end its run if it has one that has not ended."""
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
        self._give_up(message.org_id, message.run_id)

    def _give_up(self, org_id: str, run_id: str) -> None:
        run = runs.find_unfinished(self.database, org_id, run_id)
        if run is None:
            return
        if self._at_work(org_id, run_id):
            # A copy of the message was processed. Its worker ends the run, or the next run does.
            log.info("run_is_at_work")
            return
        # Alerted first: once the run has ended, another delivery of this message does not alert.
        self.alerts.raise_(
            org_id,
            GIVEN_UP,
            "A sync was given up",
            f"Run {run_id} failed at every delivery of its message, which is among the dead"
            " letters. The next scheduled run is made all the same.",
        )
        try:
            give_up(self.database, run, self.clock())
        except Conflict:
            log.info("run_moves_after_all")

    def _at_work(self, org_id: str, run_id: str) -> bool:
        path = paths.lease(org_id)
        lease = leases.look(self.database, [path])[path]
        mine = lease.run_id == run_id and lease.holder is not None
        return mine and lease.alive(self.clock())
