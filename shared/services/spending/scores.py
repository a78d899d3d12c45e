"""Scores that are rewritten though no figure of the customer has changed: time has passed, or the
quantiles have changed.

``Ageing`` rewrites the scores of customers who have not ordered for some time. It needs only the
stored scores: the next pass makes up for a day without one.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from shared.batches import batched
from shared.bus.messages import AgeSegments, ComputeSpending
from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline
from shared.domain.customer_scores import CustomerScores, ScoringScales, customer_scores
from shared.domain.rfm import QuantileScale, quantile_scale, rfm_of
from shared.domain.segmentation import segment_boundaries
from shared.domain.spending import Spending
from shared.store import customers, locations
from shared.store import spending as spending_store
from shared.store.database import Conflict, Database, Document

AGED_PER_COMMIT = 400
ATTEMPTS = 5
SCALE_AGE = timedelta(days=30)
"""How old the quantiles may get before all customers are recomputed, which makes new ones."""

log = structlog.get_logger(__name__)


def scale_of(spendings: Iterable[Spending], now: datetime) -> QuantileScale | None:
    """The quantiles of all customers; None where none has ordered."""
    population = [rfm for spent in spendings if (rfm := rfm_of(spent, now))]
    return quantile_scale(population, now) if population else None


@dataclass(frozen=True, slots=True)
class Ageing:
    """Rewrites the customers whose last order has crossed a boundary since their segment was
    written. ``segments`` is the topic of its own messages, ``seconds`` as in SpendingService."""

    database: Database
    segments: Publisher
    spending: Publisher
    clock: Clock
    seconds: float

    def __call__(self, message: AgeSegments) -> None:
        """Age the org's segments; what there is no time for is left to another message. Raises
        InvalidMessage for an unknown org."""
        now = self.clock()
        scales = spending_store.scales(self.database, message.org_id)
        if scales.quantiles is None:
            locations.require_known(self.database, message.org_id)
        if scales.quantiles is None or now - scales.quantiles.as_of > SCALE_AGE:
            self.spending.publish([ComputeSpending(org_id=message.org_id)])
        if not self._age(message.org_id, scales, now):
            self.segments.publish([message])

    def _age(self, org_id: str, scales: ScoringScales, now: datetime) -> bool:
        """Rewrite all who have crossed a boundary; False where the time ran out before."""
        deadline = Deadline(self.seconds)
        writer = ScoreWriter(self.database, org_id, scales, now)
        count = 0
        for boundary in segment_boundaries(now):
            while crossed := customers.past_boundary(
                self.database, org_id, boundary, AGED_PER_COMMIT
            ):
                if deadline.passed:
                    return False
                writer.write(crossed)
                count += len(crossed)
                if len(crossed) < AGED_PER_COMMIT:
                    break
        log.info("segments_aged", org_id=org_id, customers=count)
        return True


@dataclass(frozen=True, slots=True)
class ScoreWriter:
    """Writes the scores that customers have at ``now`` by these scales."""

    database: Database
    org_id: str
    scales: ScoringScales
    now: datetime

    def rewrite_changed(self, after: str | None, deadline: Deadline) -> str | None:
        """Rewrite what differs, of all customers whose ids come after ``after``. Where the time
        runs out before: the id to go on after."""
        found = customers.scored(self.database, self.org_id, after)
        for batch in batched(found, AGED_PER_COMMIT):
            left: Sequence[Document] = batch
            for _ in range(ATTEMPTS):
                refused = self.write([each for each in left if self._differs(each)])
                if not refused:
                    break
                left = customers.read_scored(self.database, self.org_id, refused)
            if deadline.passed:
                return batch[-1].id
        return None

    def write(self, found: Sequence[Document]) -> list[str]:
        """Write the scores of customers as they were read. Returns the ids of those who have
        changed since: nothing of theirs is written."""
        if not found:
            return []
        updates = [
            customers.update_scores(self.org_id, each, self._scores(each), self.now)
            for each in found
        ]
        refused: list[str] = []
        try:
            self.database.commit(updates)
        except Conflict:
            for customer, update in zip(found, updates, strict=True):
                try:
                    self.database.commit([update])
                except Conflict:
                    refused.append(customer.id)
        with contextlib.suppress(Conflict):
            touch = spending_store.touch_data_version(self.org_id, found[0].id, self.now)
            self.database.commit([touch])
        return refused

    def _differs(self, customer: Document) -> bool:
        return customers.scores_differ(customer, self._scores(customer))

    def _scores(self, customer: Document) -> CustomerScores:
        return customer_scores(customers.spending_in(customer.fields), self.scales, self.now)
