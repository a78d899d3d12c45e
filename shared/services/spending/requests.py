"""Requests for spending: their parts and messages, and those that were lost.

A message may be lost for good: a function that is killed at every delivery makes it a dead letter.
So a request is stored until it is done (store/spending_requests.py), and the watchdog asks again
for one that has waited too long. Asking too often does no harm: what is done already is not
repeated.
"""

import contextlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from shared.batches import batched
from shared.bus.messages import ComputeSpending
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.customer_ranges import CustomerParts
from shared.domain.ids import is_document_id
from shared.domain.wording import counted
from shared.services.alerts import Alerts
from shared.store import spending_requests, status
from shared.store.database import Conflict, Database
from shared.store.spending_requests import SpendingRequest

CUSTOMERS_PER_MESSAGE = 300
GROUPED_PER_MESSAGE = 1_000
"""Customers of whole groups that one message names: ids of any length fit one document."""
ASK_AGAIN_AFTER = timedelta(minutes=10)
"""How long a request may take before it is asked for again: as long as Pub/Sub waits for one
delivery."""
OVERDUE_AFTER = timedelta(minutes=30)
"""How long a request may take before people are alerted."""
LIMIT = 500
"""Requests that one check reads: a later one reads the rest."""

OUTSTANDING = "spending_outstanding"

log = structlog.get_logger(__name__)


def in_parts(
    org_id: str,
    run_id: str | None,
    customer_ids: Sequence[str],
    *,
    since: datetime,
    now: datetime,
    part_of: str | None = None,
) -> Iterator[SpendingRequest]:
    """Requests for the customers, for as many each as one message names."""
    for part in batched(_nameable(customer_ids), CUSTOMERS_PER_MESSAGE):
        yield SpendingRequest(
            id=uuid.uuid4().hex,
            org_id=org_id,
            run_id=run_id,
            customers=len(part),
            customer_ids=tuple(part),
            since=since,
            asked_at=now,
            part_of=part_of,
        )


def of_ranges(
    whole: SpendingRequest, parts: CustomerParts, now: datetime
) -> Iterator[SpendingRequest]:
    """The parts of a request of all that are ranges."""
    for wanted, count in parts.ranges:
        yield SpendingRequest(
            id=uuid.uuid4().hex,
            org_id=whole.org_id,
            run_id=whole.run_id,
            customers=count,
            since=whole.since,
            asked_at=now,
            range=wanted,
            part_of=whole.id,
        )


def of_groups(
    whole: SpendingRequest, parts: CustomerParts, groups: Iterable[Sequence[str]], now: datetime
) -> Iterator[SpendingRequest]:
    """The parts of a request of all that are groups."""
    for batch in batched(map(_nameable, groups), GROUPED_PER_MESSAGE, len):
        ids = tuple(customer_id for group in batch for customer_id in group)
        yield SpendingRequest(
            id=uuid.uuid4().hex,
            org_id=whole.org_id,
            run_id=whole.run_id,
            customers=len(ids),
            customer_ids=ids,
            since=whole.since,
            asked_at=now,
            step="groups",
            part_of=whole.id,
            fillers=parts.fillers_of(ids),
        )


def _nameable(customer_ids: Sequence[str]) -> list[str]:
    """Those of the ids that a message can name."""
    return list(filter(is_document_id, customer_ids))


def of_all(org_id: str, run_id: str, customers: int, now: datetime) -> SpendingRequest:
    """A request for all customers of an org, which has so many."""
    return SpendingRequest(
        id=uuid.uuid4().hex,
        org_id=org_id,
        run_id=run_id,
        customers=customers,
        since=now,
        asked_at=now,
    )


def message_of(request: SpendingRequest) -> ComputeSpending:
    """The message by which a request is made, once it is stored."""
    return ComputeSpending(
        org_id=request.org_id,
        request_id=request.id,
        run_id=request.run_id,
        part_of=request.part_of,
        customer_ids=request.customer_ids,
    )


@dataclass(frozen=True, slots=True)
class OutstandingSpending:
    """Sees to the requests that are not done in time. ``spending`` is the topic by which spending
    is asked for."""

    database: Database
    alerts: Alerts
    spending: Publisher
    clock: Clock

    def ask_again(self, only: str | None, alerted: Iterable[str]) -> int:
        """Ask again for the requests of all orgs, or of one; how many those were.

        Orgs in which one is overdue are alerted and their status says so; where none is any more
        in an org already ``alerted``, both are taken back.
        """
        now = self.clock()
        found = spending_requests.asked_before(self.database, now - ASK_AGAIN_AFTER, LIMIT)
        late = [each for each in found if only in (None, each.org_id)]
        self.spending.publish(_messages(late))
        for request in late:
            # Done meanwhile: its second message will find nothing to do.
            with contextlib.suppress(Conflict):
                self.database.commit([spending_requests.update_asked(request, now)])
            log.warning(
                "spending_asked_again",
                org_id=request.org_id,
                request_id=request.id,
                customers=request.customers,
            )
        overdue = {each.org_id for each in late if each.since < now - OVERDUE_AFTER}
        for org_id in sorted({*overdue, *alerted}):
            self._state(org_id, now)
        return len(late)

    def _state(self, org_id: str, now: datetime) -> None:
        """Alert or take back, by what is overdue in the org now.

        The incident is open as long as the status says anything: a crash in between is made up
        for by the next check.
        """
        overdue = spending_requests.waiting_since(self.database, org_id, now - OVERDUE_AFTER, LIMIT)
        if not overdue:
            with contextlib.suppress(Conflict):
                self.database.commit([status.clear_spending_outstanding(org_id)])
            self.alerts.resolve(org_id, OUTSTANDING)
            return
        customers, since = _customers(overdue), overdue[0].since
        self.alerts.raise_(
            org_id,
            OUTSTANDING,
            "Spending is outstanding",
            f"The spending of {counted(customers, 'customers')} has been outstanding since"
            f" {since:%Y-%m-%d %H:%M} UTC: it was asked for and is not computed. It is asked for"
            " again every few minutes; see the dead letters and the log of the function spending.",
        )
        self.database.commit([status.put_spending_outstanding(org_id, customers, since)])


def _messages(requests: Iterable[SpendingRequest]) -> Iterator[ComputeSpending]:
    for request in requests:
        try:
            yield message_of(request)
        except ValidationError:
            log.warning("spending_request_invalid", org_id=request.org_id, request_id=request.id)


def _customers(requests: Sequence[SpendingRequest]) -> int:
    """How many customers the requests of an org name together."""
    named = {i for each in requests for i in each.customer_ids or ()}
    return max(len(named), *(each.customers for each in requests))
