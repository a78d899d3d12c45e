"""Spending and what follows from it, recomputed from an org's stored orders, never counted up.

1. The customers, all who are connected with them, and their orders are read (``read``). An org
   with too many of them for the memory is split (``large_org``).
2. What each has spent follows from the orders (``domain.spending``), and segment, lifetime value
   and RFM from that (``domain.customer_scores``).
3. What differs from the documents is committed; Firestore refuses it where another computation of
   the same customers came first. Then, or where figures were replaced, all is read again.

So a message may come twice, late, or at once with its copy. What cannot be computed or stored of
some customers takes nothing from the others (``quarantine``). Once all is done the stored request
is removed (``requests``).
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from shared.bus.messages import ComputeSpending
from shared.bus.publisher import Publisher
from shared.cache import ExpiringCache
from shared.clock import Clock, Deadline
from shared.domain.customer_ranges import CustomerRange
from shared.domain.ids import is_document_id, natural_key
from shared.domain.preferences import RecommendationIndex
from shared.errors import RetryLater
from shared.services.spending.large_org import LargeOrg
from shared.services.spending.quarantine import (
    FailedGroup,
    SpendingNotStored,
    SpendingQuarantine,
)
from shared.services.spending.read import read_groups, read_range, read_snapshot
from shared.services.spending.requests import in_parts, message_of
from shared.services.spending.scores import scale_of
from shared.services.spending.snapshot import SpendingChange
from shared.store import customers, locations, products, spending_requests
from shared.store import spending as spending_store
from shared.store.database import (
    Conflict,
    Database,
    Write,
    WriteRefused,
    commits,
    commits_of,
)
from shared.store.spending_requests import SpendingRequest

CUSTOMERS_AT_ONCE = 100
"""Customers of one snapshot that is read by look-ups."""
CUSTOMERS_IN_MEMORY = 10_000
"""Customers, with what they bought, that an instance has memory for."""
CUSTOMERS_IN_RANGE = customers.PAGE
"""Customers of one part of a larger org: of four at once an instance has 30 MB each in memory, 85
where each has 20 orders."""
FULL_SCAN_FROM = 200
"""From so many customers on, one scan of all costs less than look-ups."""
ATTEMPTS = 5
INDEXES_KEPT = 64
INDEX_KEPT_SECONDS = 300.0

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
    to messages of its own; ``in_memory`` is how many customers it scans at once, ``in_range`` how
    many a part of a larger org has at most."""

    database: Database
    spending: Publisher
    clock: Clock
    seconds: float
    menus: RecommendationIndexCache = field(default_factory=RecommendationIndexCache)
    in_memory: int = CUSTOMERS_IN_MEMORY
    in_range: int = CUSTOMERS_IN_RANGE

    def __call__(self, message: ComputeSpending) -> None:
        """Recompute the customers of the message, or all of the org's, unless that is done.

        Raises RetryLater when others keep changing the same customers, and InvalidMessage for an
        unknown org.
        """
        deadline = Deadline(self.seconds)
        large = LargeOrg(self.database, self.spending, self.clock, self.in_range)
        request = self._request_of(message)
        if request is None:
            log.info("spending_done_already")
            large.part_done(message)
            return
        everybody = request.customer_ids is None and request.range is None
        if request.step != "figures" and request.customer_ids is None:
            large.go_on(request, deadline)
        elif large.too_early(request):
            log.info("spending_figures_left")
        elif everybody and customers.count_all(self.database, request.org_id) > self.in_memory:
            large.split(request)
        else:
            left = self._compute(request, deadline)
            self._leave(message, request, left)
            if not left:
                large.part_done(message)

    def _request_of(self, message: ComputeSpending) -> SpendingRequest | None:
        """The stored request of the message, None where it is done; one of a message without."""
        org_id, now, ids = message.org_id, self.clock(), message.customer_ids
        if message.request_id:
            return spending_requests.read(self.database, org_id, message.request_id)
        return SpendingRequest(
            id=uuid.uuid4().hex,
            org_id=org_id,
            run_id=message.run_id,
            customers=len(ids or ()),
            customer_ids=ids,
            since=now,
            asked_at=now,
        )

    def _compute(self, request: SpendingRequest, deadline: Deadline) -> list[str]:
        """Recompute the customers of the request; those who are left when the time is up."""
        quarantine = SpendingQuarantine(self.database, request.org_id, request.run_id)
        ids = request.customer_ids
        if ids is None:
            left = self._compute_range(request, quarantine, deadline)
        elif request.step == "groups":
            left = self._compute_groups(request, ids, quarantine, deadline)
        else:
            left = sorted(set(ids), key=natural_key)
        while left and not deadline.passed:
            done = self._look_up(request.org_id, left[:CUSTOMERS_AT_ONCE], quarantine)
            left = [i for i in left[CUSTOMERS_AT_ONCE:] if i not in done]
        return list(filter(is_document_id, left))

    def _leave(
        self, message: ComputeSpending, request: SpendingRequest, left: Sequence[str]
    ) -> None:
        """The request is done but for the customers who are ``left``: requests of their own take
        its place."""
        org_id, since, now = request.org_id, request.since, self.clock()
        parts = list(
            in_parts(org_id, request.run_id, left, since=since, now=now, part_of=request.part_of)
        )
        writes: list[Write] = [spending_requests.put(part) for part in parts]
        if message.request_id:
            writes.append(spending_requests.remove(org_id, message.request_id))
        for batch in commits(writes):
            self.database.commit(batch)
        self.spending.publish(map(message_of, parts))

    def _look_up(
        self, org_id: str, customer_ids: Sequence[str], quarantine: SpendingQuarantine
    ) -> Collection[str]:
        """Recompute some customers, and again where figures were replaced. Returns who was: all
        who are connected with them, too."""
        menu = self.menus.of(self.database, org_id)
        for looks in range(1, ATTEMPTS + 1):
            now = self.clock()
            snapshot = read_snapshot(self.database, org_id, customer_ids)
            if not snapshot.people:
                locations.require_known(self.database, org_id)
            scales = spending_store.scales(self.database, org_id)
            changes = snapshot.changes(menu, scales, now)
            done = self._commit(changes.found)
            if not done.again:
                failed = [*changes.failed, *done.failed]
                quarantine.update({*customer_ids, *snapshot.people}, failed, now)
                log.info("spending_computed", customers=len(customer_ids), looks=looks)
                return snapshot.people.keys()
        raise RetryLater("others keep changing the same customers")

    def _compute_range(
        self, request: SpendingRequest, quarantine: SpendingQuarantine, deadline: Deadline
    ) -> list[str]:
        """Recompute all customers, or those of a range; who is still to be looked up."""
        wanted = request.range or customers.EVERYBODY
        for _ in range(ATTEMPTS):
            changed, unsure = self._scan(request.org_id, wanted, quarantine, deadline)
            if len(changed) < FULL_SCAN_FROM or deadline.passed:
                break
        return sorted({*changed, *unsure}, key=natural_key)

    def _scan(
        self,
        org_id: str,
        wanted: CustomerRange,
        quarantine: SpendingQuarantine,
        deadline: Deadline,
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Recompute by one scan: who has changed meanwhile, and who depends on others."""
        now = self.clock()
        snapshot = read_range(self.database, org_id, wanted)
        if not snapshot.people:
            locations.require_known(self.database, org_id)
        scales = spending_store.scales(self.database, org_id)
        scale = None
        if not wanted.bounded:
            scale = scale_of((bought.spending for bought in snapshot.purchases.values()), now)
            scales = replace(scales, quantiles=scale)
        menu = self.menus.fresh(self.database, org_id)
        changes = snapshot.changes(menu, scales, now)
        done = self._commit(changes.found, deadline)
        over = snapshot.people.keys() - {*done.again, *changes.unsure}
        quarantine.update(over, [*changes.failed, *done.failed], now)
        self.database.commit([spending_store.put_scale(org_id, scale)] if scale else [])
        event = "spending_range_computed" if wanted.bounded else "spending_of_all_computed"
        log.info(event, customers=len(snapshot.people), left=len(done.again))
        return done.again, changes.unsure

    def _compute_groups(
        self,
        request: SpendingRequest,
        ids: Sequence[str],
        quarantine: SpendingQuarantine,
        deadline: Deadline,
    ) -> list[str]:
        """Recompute what follows from several customers together, from their stored figures; who
        is still to be looked up."""
        org_id, now = request.org_id, self.clock()
        snapshot = read_groups(self.database, org_id, ids, request.fillers)
        scales = spending_store.scales(self.database, org_id)
        changes = snapshot.changes(RecommendationIndex(()), scales, now)
        done = self._commit(changes.found, deadline)
        left = {*done.again, *changes.unsure, *(i for g in changes.failed for i in g.customer_ids)}
        # Nobody is released: their orders were not read.
        quarantine.update((), done.failed, now)
        return sorted(left, key=natural_key)

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
