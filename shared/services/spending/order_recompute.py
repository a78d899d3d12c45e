"""Requests a recompute of an order's customers when another program than the sync wrote the order.

All orders of a customer written within the same SECONDS share one task, which is sent when those
seconds are over; a later write has a task of its own. So no task is sent before a write that
relies on it (docs/decisions/2026-11-21-recompute.md).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from shared.bus.events import DocumentChange
from shared.bus.later import LaterPublisher
from shared.bus.messages import ComputeSpending
from shared.errors import InvalidMessage
from shared.store import orders, paths

SECONDS = 2.5
"""How long writes are gathered."""
MARGIN = timedelta(seconds=0.5)
"""By how much the clocks of Firestore and Cloud Tasks may differ."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrderRecompute:
    """Requests the recompute of the customers, old and new, of a changed order."""

    spending: LaterPublisher

    def __call__(self, change: DocumentChange) -> None:
        """Handle one change. Raises InvalidMessage where it is not an order's, or the customer's
        id is invalid."""
        org_id = paths.org_of_order(change.path)
        if org_id is None:
            raise InvalidMessage("the changed document is no order")
        # A sync requests the spending itself. Each run sets its own id on what it writes; other
        # programs leave that field alone.
        run_before, run_after = change.text("syncRunId")
        by_sync = run_after is not None and run_after != run_before
        if by_sync or not change.touches(orders.SPENDING_FIELDS):
            return
        over = end_of_gathering(change.at)
        for customer_id in sorted({i for i in change.text("customerId") if i}):
            message = ComputeSpending.parse({"orgId": org_id, "customerIds": [customer_id]})
            once = f"{org_id}/{customer_id}/{over.isoformat()}"
            first = self.spending.publish(message, at=over + MARGIN, once=once)
            log.info("recompute_asked", org_id=org_id, customer_id=customer_id, first=first)


def end_of_gathering(at: datetime) -> datetime:
    """The end of the SECONDS in which ``at`` lies."""
    return datetime.fromtimestamp((at.timestamp() // SECONDS + 1) * SECONDS, UTC)
