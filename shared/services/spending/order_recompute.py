"""Another program than the sync wrote an order: have its customers recomputed, soon and once.

All orders of a customer written within the same SECONDS share one task, which is sent when those
seconds are over; whatever is written later has a task of its own. So a task that has been sent can
never have missed a write that counts on it (docs/decisions/2026-11-21-recompute.md).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from shared.bus.events import DocumentChange
from shared.bus.messages import ComputeSpending
from shared.bus.publisher import LaterPublisher
from shared.errors import InvalidMessage
from shared.store import orders, paths

SECONDS = 2.5
"""How long writes are gathered."""
MARGIN = timedelta(seconds=0.5)
"""By how much the clocks of Firestore and Cloud Tasks may differ."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrderRecompute:
    """Asks for the recompute of the customers, old and new, of a changed order."""

    spending: LaterPublisher

    def __call__(self, change: DocumentChange) -> None:
        """Handle one change. Raises InvalidMessage where it is not an order's, or the order's
        customer has an id that nobody can have."""
        org_id = paths.org_of_order(change.path)
        if org_id is None:
            raise InvalidMessage("the changed document is no order")
        if written_by_sync(change) or not change.touches(orders.SPENDING_FIELDS):
            return
        over = end_of_gathering(change.at)
        for customer_id in sorted({i for i in change.text("customerId") if i}):
            message = ComputeSpending.parse({"orgId": org_id, "customerIds": [customer_id]})
            once = f"{org_id}/{customer_id}/{over.isoformat()}"
            first = self.spending.publish(message, at=over + MARGIN, once=once)
            log.info("recompute_asked", org_id=org_id, customer_id=customer_id, first=first)


def written_by_sync(change: DocumentChange) -> bool:
    """Whether a sync wrote the order, which asks for the spending itself. Each run puts its own id
    on what it writes; other programs leave that field alone."""
    before, after = change.text("syncRunId")
    return after is not None and after != before


def end_of_gathering(at: datetime) -> datetime:
    """The end of the SECONDS in which ``at`` lies."""
    return datetime.fromtimestamp((at.timestamp() // SECONDS + 1) * SECONDS, UTC)
