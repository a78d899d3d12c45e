"""Ageing: the segments of customers who have not ordered for some time, such as at risk or churned.

A pass needs only the stored segments: the next pass makes up for a day without one.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from shared.bus.messages import ComputeSpending, CronTick
from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline
from shared.domain.customer_scores import ScoringScales, customer_scores
from shared.domain.segmentation import segment_boundaries
from shared.store import customers, locations, rfm
from shared.store import spending as spending_store
from shared.store.database import Conflict, Database, Document

CUSTOMERS_PER_COMMIT = 400
SCALE_AGE = timedelta(days=30)
"""How old the quantiles may get before all customers are recomputed, which makes new ones."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ageing:
    """Rewrites the customers whose last order has crossed a boundary since their segment was
    written. A tick for all orgs becomes one per org. ``seconds`` as in SpendingService."""

    database: Database
    ticks: Publisher
    spending: Publisher
    clock: Clock
    seconds: float

    def __call__(self, tick: CronTick, tick_id: str) -> None:
        """Handle a tick of the schedule."""
        if tick.org_id is None:
            orgs = locations.active_orgs(self.database)
            self.ticks.publish(CronTick(job="segments", org_id=org) for org in orgs)
            log.info("tick_fanned_out", job=tick.job, orgs=len(orgs))
            return
        now = self.clock()
        scales = rfm.scales(self.database, tick.org_id)
        if scales.quantiles is None or now - scales.quantiles.as_of > SCALE_AGE:
            self.spending.publish([ComputeSpending(org_id=tick.org_id)])
        if not self._age(tick.org_id, scales, now):
            self.ticks.publish([tick])

    def _age(self, org_id: str, scales: ScoringScales, now: datetime) -> bool:
        """Rewrite all who have crossed a boundary; False where the time ran out before."""
        deadline = Deadline(self.seconds)
        count = 0
        for boundary in segment_boundaries(now):
            while crossed := customers.past_boundary(
                self.database, org_id, boundary, CUSTOMERS_PER_COMMIT
            ):
                if deadline.passed:
                    return False
                self._rewrite(org_id, crossed, scales, now)
                count += len(crossed)
                if len(crossed) < CUSTOMERS_PER_COMMIT:
                    break
        log.info("segments_aged", org_id=org_id, customers=count)
        return True

    def _rewrite(
        self, org_id: str, crossed: Sequence[Document], scales: ScoringScales, now: datetime
    ) -> None:
        updates = []
        for customer in crossed:
            spent = customers.spending_in(customer.fields)
            scores = customer_scores(spent, scales, now)
            updates.append(customers.update_scores(org_id, customer, scores, now))
        try:
            self.database.commit(updates)
        except Conflict:
            # One of them has just ordered, which sets its segment too; the others are still due.
            for update in updates:
                with contextlib.suppress(Conflict):
                    self.database.commit([update])
        with contextlib.suppress(Conflict):
            self.database.commit([spending_store.touch_data_version(org_id, crossed[0].id, now)])
