"""Reports of the customers' metrics: made of the report before and of what has changed since
(docs/decisions/2026-11-22-weekly-metrics.md).

Customers are taken part by part, in the order of their ids. Who has no news is carried over from
the report before: of their orders only time can have made something else. The others are read
anew, as is everybody for the first report. First the customers whose figures differ are written,
then the part and the progress, in one commit that Firestore refuses where another worker has come
first. So a message may come twice, late, or at once with its copy, and a worker may be killed
anywhere. Reports are made one after the other: one that was left is completed before the next.
"""

import contextlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog

from shared.bus.messages import ReportMetrics
from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline
from shared.domain.changes import REMOVED_AT
from shared.domain.customer_metrics import GatheredHistory, PurchaseHistory, metrics_of
from shared.domain.customer_ranges import CustomerRange
from shared.domain.metrics_csv import HEADER, ReportedCustomer, csv_lines, csv_rows
from shared.errors import InvalidMessage, RetryLater
from shared.store import customers, locations, metrics, orders
from shared.store.database import Conflict, Database, Document, Fields, Update, commits
from shared.store.metrics import (
    EncodedPart,
    MetricsProgress,
    MetricsReport,
    ReportUnderWay,
    StatePart,
    StoredProgress,
)

IN_PART = customers.PAGE
"""Customers of a part; one that has grown to twice as many is split."""
MOST_NEWS = 20_000
"""Documents that one query for news reads; where there are more, everybody is read."""
FUTURE = timedelta(hours=1)
"""By how much clocks may differ."""

log = structlog.get_logger(__name__)


class _Restart(Exception):
    """The report before cannot be carried over: everybody is to be read."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A customer as read anew, and the METRICS fields that are stored."""

    customer: ReportedCustomer
    stored: Fields


@dataclass(frozen=True, slots=True)
class _Merged:
    """The customers of a part, and the updates of those whose figures differ from what is
    stored."""

    customers: Sequence[ReportedCustomer]
    updates: Sequence[Update]


@dataclass(frozen=True, slots=True)
class MetricsReports:
    """Makes reports. ``metrics`` is the topic of its own messages, ``seconds`` how long one
    invocation may work before it leaves the rest to another; ``in_part`` see IN_PART."""

    database: Database
    metrics: Publisher
    clock: Clock
    seconds: float
    in_part: int = IN_PART

    def __call__(self, message: ReportMetrics) -> None:
        """Make the report, and before it one that was left. Raises RetryLater while another worker
        makes an earlier one, and InvalidMessage for an unknown org or a moment yet to come."""
        org_id, as_of = message.org_id, message.as_of.replace(microsecond=0)
        if as_of > self.clock() + FUTURE:
            raise InvalidMessage("a report of a moment yet to come")
        deadline = Deadline(self.seconds)
        stored = metrics.read_progress(self.database, org_id)
        if stored.version is None:
            locations.require_known(self.database, org_id)
        try:
            while not stored.progress.covers(as_of):
                making = _Making(self.database, org_id, self.clock, self.in_part, stored)
                making.begin(as_of)
                if not making.go_on(deadline):
                    self.metrics.publish([message])
                    return
                stored = making.stored
        except Conflict:
            found = metrics.read_progress(self.database, org_id).progress
            made = found.under_way and found.under_way.as_of >= as_of
            if not (made or found.covers(as_of)):
                raise RetryLater("an earlier report of the org is being made") from None
            log.info("metrics_made_elsewhere", org_id=org_id)
        else:
            log.info("metrics_reported", org_id=org_id)


class _Making:
    """One report of an org, from where it stands. Its commits raise Conflict where another worker
    has written the progress."""

    def __init__(
        self, database: Database, org_id: str, clock: Clock, in_part: int, stored: StoredProgress
    ) -> None:
        self.stored = stored
        self._database = database
        self._org_id = org_id
        self._clock = clock
        self._in_part = in_part

    @property
    def _report(self) -> ReportUnderWay:
        under_way = self.stored.progress.under_way
        assert under_way is not None
        return under_way

    def begin(self, as_of: datetime) -> None:
        """Begin the report, unless one is under way."""
        progress = self.stored.progress
        if progress.under_way is None:
            anew = progress.as_of is None
            begun = ReportUnderWay(as_of=as_of, since=self._clock(), anew=anew)
            self._commit(begun)
            log.info("metrics_begun", org_id=self._org_id, anew=anew)

    def go_on(self, deadline: Deadline) -> bool:
        """Make the rest; False where the time ran out before."""
        try:
            ended = self._write_parts(deadline)
        except _Restart:
            begun = ReportUnderWay(as_of=self._report.as_of, since=self._clock(), anew=True)
            self._commit(begun)
            log.info("metrics_begun_anew", org_id=self._org_id)
            ended = self._write_parts(deadline)
        if ended:
            self._complete()
        return ended

    def _write_parts(self, deadline: Deadline) -> bool:
        parts = self._from_everybody() if self._report.anew else self._from_before()
        for merged, consumed in parts:
            self._write_customers(merged.updates)
            self._write_part(merged.customers, consumed)
            if deadline.passed:
                return False
        return True

    def _from_everybody(self) -> Iterator[tuple[_Merged, int]]:
        """The parts of all customers, read anew, behind those who are done."""
        while True:
            after = self._report.after
            found = customers.by_id(
                self._database, self._org_id, metrics.READ_FIELDS, CustomerRange(after)
            )
            page = list(islice(found, self._in_part))
            if not page:
                return
            ended = len(page) < self._in_part
            wanted = CustomerRange(after, None if ended else page[-1].id)
            read, updates = self._read(page, wanted)
            yield _Merged([each.customer for each in read], updates), 0
            if ended:
                return

    def _from_before(self) -> Iterator[tuple[_Merged, int]]:
        """The parts of the report before, brought up to date, behind those that are done."""
        before = self.stored.progress
        assert before.as_of is not None
        assert before.since is not None
        news = metrics.with_news(self._database, self._org_id, before.since, MOST_NEWS)
        if news is None:
            raise _Restart
        for number in range(self._report.consumed, before.parts):
            part = metrics.read_state(self._database, self._org_id, before.as_of, number)
            if part is None:
                raise _Restart
            yield self._merge(part, news, before, last=number == before.parts - 1), number + 1
        if not before.parts:
            yield self._merge(StatePart(()), news, before, last=True), 0

    def _merge(
        self, part: StatePart, news: Sequence[str], before: MetricsProgress, *, last: bool
    ) -> _Merged:
        """A part with its customers' news. Whoever is new belongs to the part whose ids are around
        theirs, the last one has no end."""
        assert before.as_of is not None
        as_of, after = self._report.as_of, self._report.after
        kept = [c for c in part.customers if after is None or c.id > after]
        start = 0 if after is None else bisect_right(news, after)
        end = len(news) if last else bisect_right(news, kept[-1].id) if kept else start
        wanted = {*news[start:end], *(c.id for c in kept if c.id in part.unknown)}
        read, updates = self._look_up(sorted(wanted))
        merged = [each.customer for each in read]
        for customer in kept:
            if customer.id in wanted:
                continue
            fields = metrics.fields_of(metrics_of(customer.history, as_of))
            if fields != metrics.fields_of(metrics_of(customer.history, before.as_of)):
                updates.append(metrics.update_customer(self._org_id, customer.id, fields, as_of))
            merged.append(replace(customer, history=customer.history.aged(as_of)))
        return _Merged(sorted(merged, key=lambda c: c.id), updates)

    def _look_up(self, ids: Sequence[str]) -> tuple[list[_Read], list[Update]]:
        found = metrics.read_customers(self._database, self._org_id, ids)
        return self._read(found, [each.id for each in found])

    def _read(
        self, found: Sequence[Document], whose: CustomerRange | Sequence[str]
    ) -> tuple[list[_Read], list[Update]]:
        """Customers with their histories, from their orders, and the updates of those whose fields
        differ. Of one removed at the POS only the fields are cleared."""
        present = [each for each in found if not each.fields.get(REMOVED_AT)]
        histories = self._histories({each.id for each in present}, whose)
        read = [_Read(_reported(e, histories[e.id]), e.fields) for e in present]
        return read, [*self._cleared(found), *self._updates(read)]

    def _histories(
        self, ids: set[str], whose: CustomerRange | Sequence[str]
    ) -> Mapping[str, PurchaseHistory]:
        as_of = self._report.as_of
        gathered = {customer_id: GatheredHistory(as_of) for customer_id in ids}
        facts = orders.facts_of_customers(self._database, self._org_id, whose, items=False)
        for customer_id, order in facts:
            try:
                if customer_id in gathered:
                    gathered[customer_id].add(order)
            except (TypeError, ValueError) as error:
                # Another program's: it counts for nothing, and must not end the report of all.
                log.warning("metrics_order_left_out", reason=type(error).__name__)
        return {customer_id: each.history for customer_id, each in gathered.items()}

    def _updates(self, read: Iterable[_Read]) -> Iterator[Update]:
        as_of = self._report.as_of
        for each in read:
            fields = metrics.fields_of(metrics_of(each.customer.history, as_of))
            if any(each.stored.get(name) != value for name, value in fields.items()):
                yield metrics.update_customer(self._org_id, each.customer.id, fields, as_of)

    def _cleared(self, found: Iterable[Document]) -> Iterator[Update]:
        for each in found:
            if each.fields.get(REMOVED_AT) and any(n in each.fields for n in metrics.NAMES):
                yield metrics.clear_customer(self._org_id, each.id)

    def _write_customers(self, updates: Sequence[Update]) -> None:
        """Write the figures; a customer whom somebody has deleted has none."""
        for batch in commits(updates):
            try:
                self._database.commit(batch)
            except Conflict:
                for update in batch:
                    with contextlib.suppress(Conflict):
                        self._database.commit([update])

    def _write_part(self, merged: Sequence[ReportedCustomer], consumed: int) -> None:
        """Store the customers in as few parts as they fit in. ``consumed`` holds once all of them
        are stored."""
        if not merged:
            return
        first = self._report.parts == 0
        part = None if len(merged) > 2 * self._in_part else self._encoded(merged, first=first)
        if part is None or not (part.fits or len(merged) == 1):
            half = len(merged) // 2
            self._write_part(merged[:half], self._report.consumed)
            self._write_part(merged[half:], consumed)
            return
        report = self._report
        written = metrics.put_part(self._org_id, report.as_of, report.parts, part, self._clock())
        grown = report.model_copy(
            update={
                "parts": report.parts + 1,
                "consumed": consumed,
                "after": merged[-1].id,
                "customers": report.customers + len(merged),
            }
        )
        self._commit(grown, *written)
        log.info("metrics_part_written", org_id=self._org_id, customers=len(merged))

    def _encoded(self, merged: Sequence[ReportedCustomer], *, first: bool) -> EncodedPart:
        header = csv_lines([HEADER]) if first else ""
        busy = (c.id for c in merged if len(c.history.recent) > metrics.MOST_RECENT)
        state = StatePart(merged, frozenset(busy))
        return metrics.encoded_part(state, header + csv_rows(merged, self._report.as_of))

    def _complete(self) -> None:
        """The report is there from now on; what only the one before needed is removed."""
        before, report = self.stored.progress, self._report
        done = MetricsReport(
            date=metrics.date_of(report.as_of),
            as_of=report.as_of,
            customers=report.customers,
            parts=report.parts,
            completed_at=self._clock(),
        )
        progress = MetricsProgress(as_of=report.as_of, since=report.since, parts=report.parts)
        self._replace(progress, metrics.put_report(self._org_id, done))
        for batch in commits(metrics.remove_before(self._org_id, before, report.as_of)):
            self._database.commit(batch)
        log.info("metrics_completed", org_id=self._org_id, customers=report.customers)

    def _commit(self, under_way: ReportUnderWay, *writes: Any) -> None:
        self._replace(self.stored.progress.model_copy(update={"under_way": under_way}), *writes)

    def _replace(self, progress: MetricsProgress, *writes: Any) -> None:
        """Commit progress with writes. Raises Conflict where another worker has written it."""
        put = self.stored.put(self._org_id, progress)
        version = self._database.commit([put, *writes])
        self.stored = StoredProgress(progress, version)


def _reported(document: Document, history: PurchaseHistory) -> ReportedCustomer:
    fields = document.fields
    names = (str(fields.get(name) or "") for name in ("firstName", "lastName"))
    return ReportedCustomer(
        id=document.id,
        name=" ".join(filter(None, names)),
        email=str(fields.get("email") or ""),
        phone=str(fields.get("phone") or ""),
        history=history,
        duplicate_ids=tuple(map(str, fields.get("duplicateIds") or ())),
        duplicate_of=fields.get("duplicateOf"),
    )
