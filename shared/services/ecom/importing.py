"""Imports an export of the web shop's orders.

What the export says anew of an order is stored, with the customer it belongs to and the sale that
it became, if these are stored; otherwise a sync links it later (``linking``). Orders come first,
then the requests for the spending of their customers, then the fingerprints by which the next
import knows them: an import that is interrupted is simply run again.
"""

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog
from google.api_core.exceptions import GoogleAPICallError

from shared.batches import batched
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.changes import fingerprint_and_size
from shared.domain.ecom import EcomOrder, match_keys
from shared.domain.erasure import ERASED
from shared.domain.providers import LIGHTSPEED
from shared.errors import LeaseLost, OrgError
from shared.pos.lightspeed.ecom_export import BadRow
from shared.services.ecom.linking import Linked, figures, owners_of
from shared.services.spending.requests import in_parts, message_of, of_all
from shared.store import (
    customers,
    ecom,
    erasures,
    lease,
    locations,
    paths,
    spending_requests,
    status,
)
from shared.store.database import Contention, Database, Write, WriteRefused, commits_of, joined
from shared.store.ecom import StoredEcomOrder
from shared.store.ecom_imports import ImportedOrders
from shared.store.lease import HeldByOtherRun, HeldLease
from shared.store.spending_requests import SpendingRequest
from shared.store.writes import size_of

ORDERS_AT_ONCE = 150
"""Changed orders that are looked up and written together: two writes each at the most."""
ORDERS_PER_CHECKPOINT = 6_000
MANY_CUSTOMERS = 200
"""From here on, and from a quarter of an org's customers on, the spending of all is asked for."""
LARGEST = 1_000_000
"""Bytes of an order's fields: a document may have 1 MiB."""
MEASURED_FROM = 200_000
"""Bytes of an order as JSON; where it has fewer its document is below LARGEST."""
LEASE_TTL = timedelta(seconds=60)

log = structlog.get_logger(__name__)


class ImportUnderWay(OrgError):
    """Another import has the org."""

    code = "ecom_import_under_way"


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do. ``matched`` and ``superseded`` are of the orders written.
    Bad rows come by their lines."""

    import_id: str
    orders: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    unmatched: int = 0
    superseded: int = 0
    bad_rows: int = 0
    figures: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EcomImport:
    """Imports exports. ``spending`` is the topic by which spending is asked for."""

    database: Database
    spending: Publisher
    clock: Clock

    def __call__(
        self,
        org_id: str,
        found: Iterable[EcomOrder | BadRow],
        on_bad_row: Callable[[BadRow], None],
        *,
        dry_run: bool = False,
    ) -> ImportReport:
        """Import what was read from an export; nothing is written in a dry run.

        Raises ImportUnderWay while another import of the org is, InvalidMessage for an unknown
        org, and what reading raises.
        """
        import_id = f"ecom-{uuid.uuid4().hex}"
        if dry_run:
            locations.require_known(self.database, org_id)
            return _Importing(self, org_id, import_id, None, on_bad_row).work(found)
        held = lease.acquire(
            self.database,
            paths.ecom_lease(org_id),
            run_id=import_id,
            holder=import_id,
            ttl=LEASE_TTL,
            first_writes=lambda _: (),
            before_first=lambda: locations.require_known(self.database, org_id),
        )
        if isinstance(held, HeldByOtherRun):
            raise ImportUnderWay("another import of the org is under way, or ended a minute ago")
        threading.Thread(target=held.keep_alive, daemon=True).start()
        try:
            return _Importing(self, org_id, import_id, held, on_bad_row).work(found)
        finally:
            with suppress(LeaseLost, Contention, GoogleAPICallError):
                held.release([])


@dataclass(frozen=True, slots=True)
class _Changed:
    """An order of which the export says something else than before, with its fields."""

    found: EcomOrder
    fields: dict[str, Any]
    fingerprint: bytes


class _Importing:
    """One import under way; a dry run where it has no lease."""

    def __init__(
        self,
        service: EcomImport,
        org_id: str,
        import_id: str,
        lease: HeldLease | None,
        on_bad_row: Callable[[BadRow], None],
    ) -> None:
        self._database = service.database
        self._spending = service.spending
        self._clock = service.clock
        self._org_id = org_id
        self._lease = lease
        self._on_bad_row = on_bad_row
        self._imported = ImportedOrders(self._database, org_id)
        self._erased = erasures.read_people(self._database, org_id)
        self._report = ImportReport(import_id)
        self._announced = False
        self._concerned: set[str] = set()
        self._all_concerned: set[str] = set()
        self._everybody: SpendingRequest | None = None
        self._since_checkpoint = 0

    def work(self, found: Iterable[EcomOrder | BadRow]) -> ImportReport:
        """Import all of it."""
        for batch in batched(self._changed(found), ORDERS_AT_ONCE):
            self._store(batch)
        if self._lease and self._announced:
            self._end(self._lease)
        report = self._report
        log.info("ecom_imported", org_id=self._org_id, **asdict(report))
        return report

    def _changed(self, found: Iterable[EcomOrder | BadRow]) -> Iterator[_Changed]:
        for each in found:
            if isinstance(each, BadRow):
                self._leave_out(each)
                continue
            self._report.orders += 1
            if self._erased:
                each = replace(each, order=self._erased.anonymous(each.order))
            fields = ecom.fields_of(each, self._org_id)
            digest, size = fingerprint_and_size(fields)
            if self._imported.get(each.number) == digest:
                self._report.unchanged += 1
            elif size >= MEASURED_FROM and size_of(fields) > LARGEST:
                self._leave_out(BadRow(each.line, each.line, "the order is too large"))
            else:
                yield _Changed(each, fields, digest)

    def _leave_out(self, row: BadRow) -> None:
        self._report.bad_rows += 1
        self._on_bad_row(row)

    def _store(self, batch: Sequence[_Changed]) -> None:
        """Store some orders, then look whether a sale has come meanwhile."""
        sale_ids = {c.found.number: c.found.sale_id for c in batch if c.found.sale_id}
        numbers = [change.found.number for change in batch]
        stored = ecom.look_up(self._database, self._org_id, numbers, sale_ids, LIGHTSPEED)
        owners = self._owners(change.found for change in batch)
        writes: dict[str, list[Write]] = {}
        waiting: list[str] = []
        losers: set[str] = set()
        for change in batch:
            number = change.found.number
            before, owner = stored.orders.get(number), owners.get(number)
            writes[number] = ecom.writes_for(
                change.found,
                change.fields,
                owner,
                before=before,
                sale=stored.sales.get(number),
                run_id=self._report.import_id,
                now=self._clock(),
            )
            superseded = number in stored.sales or bool(before and before.superseded_by)
            if not superseded:
                waiting.append(number)
            self._count(before, owner, superseded=superseded)
            if before and before.customer_id not in (None, ERASED, owner):
                losers.add(str(before.customer_id))
            if owner and owner != ERASED and (before or not superseded):
                self._concerned.add(owner)
        if self._lease is None:
            return
        self._commit_orders(self._lease, batch, writes, losers)
        self._look_again(self._lease, waiting, sale_ids)
        self._since_checkpoint += len(batch)
        if self._since_checkpoint >= ORDERS_PER_CHECKPOINT:
            self._checkpoint(self._lease)

    def _owners(self, found: Iterable[EcomOrder]) -> dict[str, str]:
        """The customer of each order by number: by e-mail, and where that matches none by its
        telephone number, which takes long to read."""
        orders = {each.number: each.order for each in found}
        anonymous = {n: ERASED for n, order in orders.items() if order.pos_customer_id == ERASED}
        emails = {number: match_keys(order.email, None) for number, order in orders.items()}
        owners = anonymous | owners_of(self._database, self._org_id, emails)
        left = (order for number, order in orders.items() if number not in owners)
        phones = {order.external_id: match_keys(None, order.phone) for order in left}
        return owners | owners_of(self._database, self._org_id, phones)

    def _count(
        self, before: StoredEcomOrder | None, owner: str | None, *, superseded: bool
    ) -> None:
        report = self._report
        report.created += before is None
        report.updated += before is not None
        report.superseded += superseded
        report.unmatched += owner is None and not superseded

    def _commit_orders(
        self,
        held: HeldLease,
        batch: Sequence[_Changed],
        writes: Mapping[str, Sequence[Write]],
        losers: Iterable[str],
    ) -> None:
        """Commit the orders. Before the first one a sync is told that there is an import; with
        those that another customer loses goes the request for that one's spending."""
        lost = self._requests(sorted(losers))
        first: list[Write] = list(map(spending_requests.put, lost))
        if not self._announced:
            providers = locations.configured(self._database, self._org_id).providers
            first += [
                status.put_ecom_import(self._org_id, provider, self._report.import_id)
                for provider in providers or [LIGHTSPEED]
            ]
            self._announced = True
        self._commit(held, [first])
        parts = commits_of(batch, lambda change: writes[change.found.number])
        refused = [c for part in parts for c in self._commit_changes(held, part, writes)]
        self._spending.publish(map(message_of, lost))
        for change in refused:
            line = change.found.line
            self._leave_out(BadRow(line, line, "Firestore does not take the order as it is"))
        for change in batch:
            if change not in refused:
                self._imported.put(change.found.number, change.fingerprint)

    def _commit_changes(
        self, held: HeldLease, changes: list[_Changed], writes: Mapping[str, Sequence[Write]]
    ) -> list[_Changed]:
        """Commit at once; what Firestore refuses is halved until it is alone. Those refused."""
        try:
            held.commit([w for change in changes for w in writes[change.found.number]])
        except WriteRefused:
            if len(changes) == 1:
                return changes
            half = len(changes) // 2
            first = self._commit_changes(held, changes[:half], writes)
            return [*first, *self._commit_changes(held, changes[half:], writes)]
        return []

    def _look_again(
        self, held: HeldLease, waiting: Sequence[str], sale_ids: Mapping[str, str]
    ) -> None:
        """Supersede those whose sale was stored since they were looked up: its sync has seen them
        only if they were stored before."""
        linked, named = Linked(), {n: sale_ids[n] for n in waiting if n in sale_ids}
        found = ecom.look_up(self._database, self._org_id, waiting, named, LIGHTSPEED)
        for number in found.sales.keys() & found.orders.keys():
            # Another id than that of the write before: so no trigger takes it for a stranger's.
            run_id = f"{self._report.import_id}-again"
            linked.supersede(self._org_id, found.orders[number], found.sales[number], run_id)
            self._report.superseded += 1
        self._commit(held, [linked.writes])
        self._concerned |= linked.customer_ids

    def _checkpoint(self, held: HeldLease) -> None:
        """Ask for the spending of the customers concerned, then keep what was imported."""
        self._since_checkpoint = 0
        concerned, self._concerned = self._concerned, set()
        self._all_concerned |= concerned
        asked: list[SpendingRequest] = []
        if self._everybody is None and len(self._all_concerned) >= MANY_CUSTOMERS:
            known = customers.count_all(self._database, self._org_id)
            if len(self._all_concerned) >= max(MANY_CUSTOMERS, known // 4):
                # Not sent before the end; should there be none, the watchdog finds it.
                self._everybody = self._of_all(known)
                self._commit(held, [[spending_requests.put(self._everybody)]])
        if self._everybody is None:
            asked = self._requests(sorted(concerned))
            self._commit(held, [[spending_requests.put(request)] for request in asked])
        else:
            self._all_concerned.clear()
        self._spending.publish(map(message_of, asked))
        self._commit(held, [[write] for write in self._imported.take_writes()])

    def _end(self, held: HeldLease) -> None:
        self._checkpoint(held)
        if self._everybody:
            again = self._of_all(self._everybody.customers)
            done = spending_requests.remove(self._org_id, self._everybody.id)
            self._commit(held, [[spending_requests.put(again), done]])
            self._spending.publish([message_of(again)])
        self._commit(held, [[self._imported.put_missing(self._imported.missing())]])
        self._report.figures = figures(self._database, self._org_id)
        self._commit(held, [[status.put_ecom(self._org_id, self._report.figures)]])

    def _requests(self, customer_ids: Sequence[str]) -> list[SpendingRequest]:
        now, import_id = self._clock(), self._report.import_id
        return list(in_parts(self._org_id, import_id, customer_ids, since=now, now=now))

    def _of_all(self, known: int) -> SpendingRequest:
        return of_all(self._org_id, self._report.import_id, known, self._clock())

    def _commit(self, held: HeldLease, groups: Iterable[Sequence[Write]]) -> None:
        for part in joined(group for group in groups if group):
            held.commit(part)
