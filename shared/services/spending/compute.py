"""Spending and what follows from it, recomputed from an org's stored orders, never counted up.

1. The customers, all who are connected with them, and their orders are read (``snapshot``).
2. What each has spent follows from the orders (``domain.spending``), and segment, lifetime value
   and RFM from that (``domain.customer_scores``).
3. What differs from the documents is committed; Firestore refuses it where another computation of
   the same customers came first. Then, or where figures were replaced, all is read again.

So a message may come twice, late, or at once with its copy. What cannot be computed or stored of
some customers takes nothing from the others (``quarantine``). Once all is done the stored request
is removed (``requests``).

``Ageing`` rewrites the scores of customers who have not ordered for some time. It needs only the
stored scores: the next pass makes up for a day without one.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from shared.bus.messages import AgeSegments, ComputeSpending
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
from shared.services.spending.quarantine import (
    FailedGroup,
    SpendingNotStored,
    SpendingQuarantine,
)
from shared.services.spending.requests import in_parts, message_of
from shared.services.spending.snapshot import SpendingChange, read_full_snapshot, read_snapshot
from shared.store import customers, locations, products, spending_requests
from shared.store import spending as spending_store
from shared.store.database import (
    Conflict,
    Database,
    Document,
    Write,
    WriteRefused,
    commits,
    commits_of,
)

CUSTOMERS_AT_ONCE = 100
"""Customers of one snapshot that is read by look-ups."""
CUSTOMERS_IN_MEMORY = 10_000
"""Customers, with what they bought, that an instance has memory for."""
FULL_SCAN_FROM = 200
"""From so many customers on, one scan of all costs less than look-ups."""
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
class _Committed:
    """What became of changes: ``again`` are the customers to be read again, as they had changed
    since they were read, or figures of theirs were replaced."""

    again: list[str] = field(default_factory=list)
    failed: list[FailedGroup] = field(default_factory=list)

    def add_again(self, changes: Iterable[SpendingChange]) -> None:
        self.again.extend(i for change in changes for i in change.customer_ids)


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
        """Recompute the customers of the message, or all of the org's, unless that is done.

        Raises RetryLater when others keep changing the same customers, and InvalidMessage for an
        unknown org.
        """
        deadline, org_id, since = Deadline(self.seconds), message.org_id, self.clock()
        if message.request_id:
            request = spending_requests.read(self.database, org_id, message.request_id)
            if request is None:
                log.info("spending_done_already")
                return
            since = request.since
        quarantine = SpendingQuarantine(self.database, org_id, message.run_id)
        if message.customer_ids is not None:
            left = sorted(set(message.customer_ids), key=natural_key)
        elif customers.count_all(self.database, org_id) > CUSTOMERS_IN_MEMORY:
            self._leave(message, self._everybody(org_id), since)
            return
        else:
            left = self._compute_all(org_id, quarantine, deadline)
        while left and not deadline.passed:
            self._compute(org_id, left[:CUSTOMERS_AT_ONCE], quarantine)
            del left[:CUSTOMERS_AT_ONCE]
        self._leave(message, left, since)

    def _leave(self, message: ComputeSpending, left: Sequence[str], since: datetime) -> None:
        """The request is done but for the customers who are ``left``: requests of their own take
        its place."""
        org_id = message.org_id
        parts = list(in_parts(org_id, message.run_id, left, since=since, now=self.clock()))
        writes: list[Write] = [spending_requests.put(part) for part in parts]
        if message.request_id:
            writes.append(spending_requests.remove(org_id, message.request_id))
        for batch in commits(writes):
            self.database.commit(batch)
        self.spending.publish(map(message_of, parts))

    def _compute(
        self, org_id: str, customer_ids: Sequence[str], quarantine: SpendingQuarantine
    ) -> None:
        """Recompute some customers, and again where figures were replaced."""
        menu = self.menus.of(self.database, org_id)
        for looks in range(1, ATTEMPTS + 1):
            now = self.clock()
            snapshot = read_snapshot(self.database, org_id, customer_ids)
            if not snapshot.people:
                locations.require_known(self.database, org_id)
            scales = spending_store.scales(self.database, org_id)
            changes, failed = snapshot.changes(menu, scales, now)
            done = self._commit(changes)
            if not done.again:
                quarantine.update({*customer_ids, *snapshot.people}, [*failed, *done.failed], now)
                log.info("spending_computed", customers=len(customer_ids), looks=looks)
                return
        raise RetryLater("others keep changing the same customers")

    def _compute_all(
        self, org_id: str, quarantine: SpendingQuarantine, deadline: Deadline
    ) -> list[str]:
        """Recompute all customers; ids of those who are still to be computed by look-ups."""
        for _ in range(ATTEMPTS):
            left = self._scan_all(org_id, quarantine, deadline)
            if len(left) < FULL_SCAN_FROM or deadline.passed:
                break
        return left

    def _scan_all(
        self, org_id: str, quarantine: SpendingQuarantine, deadline: Deadline
    ) -> list[str]:
        now = self.clock()
        snapshot = read_full_snapshot(self.database, org_id)
        if not snapshot.people:
            locations.require_known(self.database, org_id)
        scale = scale_of((bought.spending for bought in snapshot.purchases.values()), now)
        scales = replace(spending_store.scales(self.database, org_id), quantiles=scale)
        menu = self.menus.fresh(self.database, org_id)
        changes, failed = snapshot.changes(menu, scales, now)
        done = self._commit(changes, deadline)
        left = done.again
        quarantine.update(snapshot.people.keys() - set(left), [*failed, *done.failed], now)
        self._keep_scale(org_id, scale)
        log.info("spending_of_all_computed", customers=len(snapshot.people), left=len(left))
        return left

    def _everybody(self, org_id: str) -> list[str]:
        """The ids of customers who are too many for the memory, to be computed in parts. The
        quantiles are those of the stored spending."""
        found = customers.all_spending(self.database, org_id)
        self._keep_scale(org_id, scale_of(found.values(), self.clock()))
        log.info("spending_of_all_split", customers=len(found))
        return sorted(found, key=natural_key)

    def _keep_scale(self, org_id: str, scale: QuantileScale | None) -> None:
        self.database.commit([spending_store.put_scale(org_id, scale)] if scale else [])

    def _commit(
        self, changes: Iterable[SpendingChange], deadline: Deadline | None = None
    ) -> _Committed:
        """Commit the changes, none after the deadline; what became of them."""
        done = _Committed()
        for batch in commits_of(changes, lambda change: change.writes):
            if deadline is not None and deadline.passed:
                done.add_again(batch)
            else:
                self._commit_batch(batch, done)
        return done

    def _commit_batch(self, batch: Sequence[SpendingChange], done: _Committed) -> None:
        """Commit at once. What Firestore refuses is halved until the group it is about is alone."""
        try:
            self.database.commit(write for change in batch for write in change.writes)
        except Conflict:
            done.add_again(batch)
        except WriteRefused as refused:
            if len(batch) > 1:
                half = len(batch) // 2
                self._commit_batch(batch[:half], done)
                self._commit_batch(batch[half:], done)
            else:
                error = SpendingNotStored()
                error.__cause__ = refused
                done.failed.append(FailedGroup(batch[0].customer_ids, error))
        else:
            done.add_again(change for change in batch if change.replaces)


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
