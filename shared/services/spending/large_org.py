"""The spending of an org with too many customers for one scan, in three steps.

1. Figures: each range of customers is scanned by a message of its own. What follows from one
   customer alone is computed: figures, segment, the document of an e-mail that nobody else has.
2. Groups: once all figures are stored the quantiles are computed from them; then links, and the
   sums of shared e-mails, from the stored figures of those concerned.
3. Scores: those that the new quantiles change are rewritten.

The request for all is kept until the end and names its next step. Whoever is done with a part
removes it, then looks whether one is left, else sends the request's message: the last to look
finds none (docs/decisions/2026-11-21-spending-in-ranges.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.batches import batched
from shared.bus.messages import ComputeSpending
from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline
from shared.domain.customer_ranges import CustomerParts, CustomerRange, customer_parts
from shared.domain.customers import MAX_SHARING, CustomerContact
from shared.domain.rfm import Rfm, quantile_scale, rfm_of
from shared.services.spending.requests import in_parts, message_of, of_groups, of_ranges
from shared.services.spending.scores import ScoreWriter
from shared.store import customers, spending, spending_requests
from shared.store.database import WRITES_PER_COMMIT, Database
from shared.store.spending_requests import SpendingRequest, Step
from shared.store.writes import size_of

BYTES_PER_COMMIT = 4_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LargeOrg:
    """Splits the request for all of an org and leads it from step to step. ``in_range`` is how
    many customers one range has at most."""

    database: Database
    spending: Publisher
    clock: Clock
    in_range: int

    def split(self, request: SpendingRequest) -> None:
        """Ask for the figures of each range."""
        now = self.clock()
        everybody = spending.everybody(self.database, request.org_id)
        parts = customer_parts((member.contact for member in everybody), self.in_range)
        count = sum(count for _, count in parts.ranges)
        whole = request.model_copy(update={"step": "groups", "customers": count, "asked_at": now})
        ranges = list(of_ranges(whole, parts, now))
        small, _ = _by_size(parts.groups)
        self._store([*ranges, *of_groups(whole, parts, small, now), whole])
        self.spending.publish(map(message_of, ranges or [whole]))
        log.info("spending_of_all_split", ranges=len(ranges), groups=len(parts.groups))

    def go_on(self, request: SpendingRequest, deadline: Deadline) -> None:
        """Take the request's next step, unless a part of the one before is not done."""
        if self._waits(request):
            log.info("spending_parts_left", step=request.step)
        elif request.step == "groups":
            self._join(request)
        else:
            self._score(request, deadline)

    def too_early(self, part: SpendingRequest) -> bool:
        """Whether figures that a part rests on are not stored yet: it is asked for again then."""
        if part.step != "groups" or part.part_of is None:
            return False
        whole = spending_requests.read(self.database, part.org_id, part.part_of)
        return whole is not None and whole.step == "groups"

    def part_done(self, part: ComputeSpending) -> None:
        """After a part was removed: ask for the next step if none is left before it."""
        if part.part_of is not None:
            whole = spending_requests.read(self.database, part.org_id, part.part_of)
            if whole and not self._waits(whole):
                self.spending.publish([message_of(whole)])

    def _waits(self, whole: SpendingRequest) -> bool:
        """Whether a part that its next step rests on is not done."""
        before: Step | None = "figures" if whole.step == "groups" else None
        return spending_requests.has_parts(self.database, whole.org_id, whole.id, before)

    def _join(self, request: SpendingRequest) -> None:
        """All figures are stored: keep the quantiles and ask for the groups."""
        now = self.clock()
        population: list[Rfm] = []
        contacts = self._contacts(request.org_id, population, now)
        parts = customer_parts(contacts, self.in_range)
        if population:
            scale = quantile_scale(population, now)
            self.database.commit([spending.put_scale(request.org_id, scale)])
        known = spending_requests.parts(self.database, request.org_id, request.id)
        small, large = _by_size(_unknown(parts, known))
        new = list(of_groups(request, parts, small, now))
        new += in_parts(
            request.org_id,
            request.run_id,
            [customer_id for group in large for customer_id in group],
            since=request.since,
            now=now,
            part_of=request.id,
        )
        whole = request.model_copy(update={"step": "scores", "asked_at": now})
        self._store([*new, whole])
        self.spending.publish(map(message_of, [*known, *new] or [whole]))
        log.info("spending_of_all_joined", customers=len(population), requests=len(known + new))

    def _contacts(
        self, org_id: str, population: list[Rfm], now: datetime
    ) -> Iterator[CustomerContact]:
        """How each customer can be reached; those who have ordered are added to the population."""
        for member in spending.everybody(self.database, org_id):
            spent = customers.spending_in(member.customer.fields)
            if not member.removed and (rfm := rfm_of(spent, now)):
                population.append(rfm)
            yield member.contact

    def _score(self, request: SpendingRequest, deadline: Deadline) -> None:
        """Rewrite the scores that the quantiles change; when the time is up, the rest later."""
        org_id, now = request.org_id, self.clock()
        scales = spending.scales(self.database, org_id)
        writer = ScoreWriter(self.database, org_id, scales, now)
        after = request.range.after if request.range else None
        place = writer.rewrite_changed(after, deadline)
        if place is not None:
            rest = request.model_copy(update={"range": CustomerRange(place), "asked_at": now})
            self._store([rest])
            self.spending.publish([message_of(rest)])
            return
        self.database.commit([spending_requests.remove(org_id, request.id)])
        log.info("spending_of_all_computed", customers=request.customers, left=0)

    def _store(self, requests: Sequence[SpendingRequest]) -> None:
        """Store them in their order: the whole, which is last, never without its parts."""
        least = BYTES_PER_COMMIT // WRITES_PER_COMMIT
        puts = map(spending_requests.put, requests)
        for batch in batched(puts, BYTES_PER_COMMIT, lambda put: max(least, size_of(put.fields))):
            self.database.commit(batch)


def _unknown(parts: CustomerParts, known: Iterable[SpendingRequest]) -> Iterator[tuple[str, ...]]:
    """The groups of which no request names all."""
    asked = {i: request.id for request in known for i in request.customer_ids or ()}
    for group in parts.groups:
        requests = {asked.get(i) for i in group}
        if len(requests) > 1 or None in requests:
            yield group


def _by_size(
    groups: Iterable[tuple[str, ...]],
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The groups of one person, and those that an e-mail of a crowd connects. These are looked up
    one by one: nobody can say that a crowd is complete."""
    persons: list[tuple[str, ...]] = []
    crowds: list[tuple[str, ...]] = []
    for group in groups:
        (persons if len(group) <= MAX_SHARING else crowds).append(group)
    return persons, crowds
