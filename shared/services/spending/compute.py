"""Spending and what follows from it, recomputed from an org's stored orders, never counted up.

1. The customers, all who are connected with them, and their orders are read (``snapshot``).
2. What each has spent follows from the orders (``domain.spending``), and segment, lifetime value
   and RFM from that (``domain.customer_scores``).
3. What differs from the documents is committed; Firestore refuses it where another computation of
   the same customers came first. Then, or where figures were replaced, all is read again.

So a message may come twice, late, or at once with its copy.

``Ageing`` rewrites the scores of customers who have not ordered for some time. It needs only the
stored scores: the next pass makes up for a day without one.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from shared.bus.messages import ComputeSpending, CronTick
from shared.bus.publisher import Publisher
from shared.cache import ExpiringCache
from shared.clock import Clock, Deadline
from shared.domain.customer_scores import ScoringScales, customer_scores
from shared.domain.ids import natural_key
from shared.domain.preferences import RecommendationIndex
from shared.domain.rfm import QuantileScale, quantile_scale, rfm_of
from shared.domain.segmentation import segment_boundaries
from shared.domain.spending import Spending
from shared.errors import RetryLater
from shared.services.spending.snapshot import SpendingChange, read_full_snapshot, read_snapshot
from shared.store import customers, locations, products
from shared.store import spending as spending_store
from shared.store.database import Conflict, Database, Document, batched, commits

CUSTOMERS_AT_ONCE = 100
"""Customers of one snapshot that is read by look-ups."""
CUSTOMERS_IN_MEMORY = 10_000
"""Customers, with what they bought, that an instance has memory for."""
FULL_SCAN_FROM = 200
"""From so many customers on, one scan of all costs less than look-ups."""
CUSTOMERS_PER_MESSAGE = 300
ATTEMPTS = 5
INDEXES_KEPT = 64
INDEX_KEPT_SECONDS = 300.0
AGED_PER_COMMIT = 400
SCALE_AGE = timedelta(days=30)
"""How old the quantiles may get before all customers are recomputed, which makes new ones."""

log = structlog.get_logger(__name__)


class RecommendationIndexCache:
    """What can be recommended at the orgs last computed. Safe for threads."""

    def __init__(self) -> None:
        self._kept = ExpiringCache[str, RecommendationIndex](INDEXES_KEPT)

    def of(self, database: Database, org_id: str) -> RecommendationIndex:
        """The org's menu as it was at most INDEX_KEPT_SECONDS ago."""
        return self._kept.get(org_id) or self.fresh(database, org_id)

    def fresh(self, database: Database, org_id: str) -> RecommendationIndex:
        """The org's menu as it is now. An empty one is not cached: it may be filled soon."""
        found = products.recommendable_menu(database, org_id)
        return self._kept.put(org_id, INDEX_KEPT_SECONDS, found) if len(found) else found


@dataclass(frozen=True, slots=True)
class SpendingService:
    """Computes spending. ``seconds`` is how long one invocation may work before it leaves the rest
    to messages of its own."""

    database: Database
    spending: Publisher
    clock: Clock
    seconds: float
    menus: RecommendationIndexCache = field(default_factory=RecommendationIndexCache)

    def __call__(self, message: ComputeSpending) -> None:
        """Recompute the customers of the message, or all of the org's.

        Raises RetryLater when others keep changing the same customers, and InvalidMessage for an
        unknown org.
        """
        deadline = Deadline(self.seconds)
        if message.customer_ids is None:
            if self._split(message):
                return
            left = self._compute_all(message.org_id, deadline)
        else:
            left = sorted(set(message.customer_ids), key=natural_key)
        while left and not deadline.passed:
            self._compute(message.org_id, left[:CUSTOMERS_AT_ONCE])
            del left[:CUSTOMERS_AT_ONCE]
        self.spending.publish(requests(message, left))

    def _compute(self, org_id: str, customer_ids: Sequence[str]) -> None:
        """Recompute some customers, and again where figures were replaced."""
        menu = self.menus.of(self.database, org_id)
        for looks in range(1, ATTEMPTS + 1):
            now = self.clock()
            snapshot = read_snapshot(self.database, org_id, customer_ids)
            if not snapshot.people:
                locations.require_known(self.database, org_id)
            changes = snapshot.changes(menu, spending_store.scales(self.database, org_id), now)
            committed = all(map(self._commit, _commits(changes)))
            if committed and not any(change.replaces for change in changes):
                log.info("spending_computed", customers=len(customer_ids), looks=looks)
                return
        raise RetryLater("others keep changing the same customers")

    def _compute_all(self, org_id: str, deadline: Deadline) -> list[str]:
        """Recompute all customers; ids of those who are still to be computed by look-ups."""
        for _ in range(ATTEMPTS):
            left = self._scan_all(org_id, deadline)
            if len(left) < FULL_SCAN_FROM or deadline.passed:
                break
        return left

    def _scan_all(self, org_id: str, deadline: Deadline) -> list[str]:
        now = self.clock()
        snapshot = read_full_snapshot(self.database, org_id)
        if not snapshot.people:
            locations.require_known(self.database, org_id)
        scale = scale_of((bought.spending for bought in snapshot.purchases.values()), now)
        scales = replace(spending_store.scales(self.database, org_id), quantiles=scale)
        menu = self.menus.fresh(self.database, org_id)
        left: list[str] = []
        for batch in _commits(snapshot.changes(menu, scales, now)):
            committed = not deadline.passed and self._commit(batch)
            left += [i for c in batch if c.replaces or not committed for i in c.customer_ids]
        self._keep_scale(org_id, scale)
        log.info("spending_of_all_computed", customers=len(snapshot.people), left=len(left))
        return left

    def _split(self, message: ComputeSpending) -> bool:
        """Request the customers in parts where they are too many for the memory. The quantiles are
        then those of the stored spending."""
        org_id = message.org_id
        if customers.count_all(self.database, org_id) <= CUSTOMERS_IN_MEMORY:
            return False
        found = customers.all_spending(self.database, org_id)
        self._keep_scale(org_id, scale_of(found.values(), self.clock()))
        self.spending.publish(requests(message, sorted(found, key=natural_key)))
        log.info("spending_of_all_split", customers=len(found))
        return True

    def _keep_scale(self, org_id: str, scale: QuantileScale | None) -> None:
        self.database.commit([spending_store.put_scale(org_id, scale)] if scale else [])

    def _commit(self, changes: Iterable[SpendingChange]) -> bool:
        """Whether it was accepted: the customers have not changed since they were read."""
        try:
            self.database.commit(write for change in changes for write in change.writes)
        except Conflict:
            return False
        return True


def scale_of(spendings: Iterable[Spending], now: datetime) -> QuantileScale | None:
    """The quantiles of all customers; None where none has ordered."""
    population = [rfm for spent in spendings if (rfm := rfm_of(spent, now))]
    return quantile_scale(population, now) if population else None


def requests(template: ComputeSpending, customer_ids: Sequence[str]) -> Iterator[ComputeSpending]:
    """Messages like ``template`` for the customers, a part each."""
    for part in batched(customer_ids, CUSTOMERS_PER_MESSAGE):
        yield template.model_copy(update={"customer_ids": tuple(part)})


def _commits(changes: Iterable[SpendingChange]) -> Iterator[list[SpendingChange]]:
    return commits(changes, lambda change: len(change.writes))


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
        scales = spending_store.scales(self.database, tick.org_id)
        if scales.quantiles is None:
            locations.require_known(self.database, tick.org_id)
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
                self.database, org_id, boundary, AGED_PER_COMMIT
            ):
                if deadline.passed:
                    return False
                self._rewrite(org_id, crossed, scales, now)
                count += len(crossed)
                if len(crossed) < AGED_PER_COMMIT:
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
