"""What customers have spent: recomputed from the stored orders, for each record and each e-mail."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from shared.bus.messages import ComputeSpending
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.identity import natural
from shared.errors import RetryLater
from shared.services.deadline import Deadline
from shared.services.spending_view import Change, look_at, look_at_all
from shared.store.database import Conflict, Database

CUSTOMERS_AT_ONCE = 100
CUSTOMERS_PER_MESSAGE = 300
WRITES_PER_COMMIT = 400
ATTEMPTS = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SpendingService:
    """Computes and keeps spending and segments. ``seconds`` is how long one invocation may work
    before it leaves the rest to messages of its own."""

    database: Database
    spending: Publisher
    clock: Clock
    seconds: float

    def __call__(self, message: ComputeSpending) -> None:
        """Recompute the customers of the message, or all of the org's.

        Raises RetryLater when others keep changing the same customers.
        """
        deadline = Deadline(self.seconds)
        if message.customer_ids is None:
            left = self._compute_all(message.org_id, deadline)
        else:
            left = sorted(set(message.customer_ids), key=natural)
        while left and not deadline.passed:
            self._compute(message.org_id, left[:CUSTOMERS_AT_ONCE])
            del left[:CUSTOMERS_AT_ONCE]
        self.spending.publish(requests(message, left))

    def _compute_all(self, org_id: str, deadline: Deadline) -> list[str]:
        """Recompute everybody in one look; ids of those who changed meanwhile or were left."""
        view = look_at_all(self.database, org_id)
        left: list[str] = []
        for changes in batches(view.changes(self.clock())):
            try:
                if not deadline.passed:
                    self.database.commit(write for change in changes for write in change.writes)
                    continue
            except Conflict:
                pass
            left += [customer_id for change in changes for customer_id in change.customer_ids]
        log.info("spending_of_all_computed", customers=len(view.people), left=len(left))
        return left

    def _compute(self, org_id: str, customer_ids: Sequence[str]) -> None:
        for _ in range(ATTEMPTS):
            changes = look_at(self.database, org_id, customer_ids).changes(self.clock())
            try:
                self.database.commit(write for change in changes for write in change.writes)
            except Conflict:
                continue
            log.info("spending_computed", customers=len(customer_ids), changes=len(changes))
            return
        raise RetryLater("other computations keep changing the same customers")


def requests(template: ComputeSpending, customer_ids: Sequence[str]) -> Iterator[ComputeSpending]:
    """Messages like ``template`` that ask for the customers a part at a time."""
    for start in range(0, len(customer_ids), CUSTOMERS_PER_MESSAGE):
        part = tuple(customer_ids[start : start + CUSTOMERS_PER_MESSAGE])
        yield template.model_copy(update={"customer_ids": part})


def batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """The changes in commits of about WRITES_PER_COMMIT writes, none of them torn apart."""
    batch: list[Change] = []
    size = 0
    for change in changes:
        if batch and size + len(change.writes) > WRITES_PER_COMMIT:
            yield batch
            batch, size = [], 0
        batch.append(change)
        size += len(change.writes)
    if batch:
        yield batch
