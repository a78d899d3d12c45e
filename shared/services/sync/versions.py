"""The customers and orders of a POS that numbers its changes: what has changed since the version up
to which the last run has read. Where nothing has, that is one call a list.

The version is kept with each checkpoint, after the records before it: what a run has not stored the
next one lists again. A record that came damaged is not listed again before it changes: it is looked
up by id while it is new in quarantine. Whatever else went wrong with a record, each list is read
again from its beginning every week, a part of it in each run.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import Generic, TypeVar

import structlog

from shared.domain.customers import Customer
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order, document_id
from shared.pos.paging import ReadAhead
from shared.pos.port import START, Page, PosClient
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.customers import (
    StoredCustomers,
    settle_customers,
    store_customers,
    store_found,
    unknown_buyers,
)
from shared.services.sync.gone import MissingRecords, RemovalRules, of_each
from shared.services.sync.orders import OrderStream, StoredOrders
from shared.services.sync.pos_locations import OpenOrg
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session, StreamAttempts
from shared.store import quarantine
from shared.store.manifest import ANNOUNCED, SKIPPED, STORED

PAGES_AHEAD = 3
"""Pages that are read before they are stored. They are larger than those of other listings."""
READ_AGAIN_AFTER = timedelta(days=6)
"""Less than the week, by what the runs that read a list again may take."""
PAGES_READ_AGAIN = 40
"""In one run."""
LOOKED_UP_FOR = timedelta(days=1)
LOOK_UPS = 20
"""Records in quarantine that are looked up in one run."""
DAYS_SEARCHED = timedelta(days=92)
"""Of orders that are searched by day, in one listing."""

R = TypeVar("R", Customer, Order)

log = structlog.get_logger(__name__)


def lists_changes(clients: Sequence[PosClient]) -> bool:
    """Whether these accounts say what has changed since a version."""
    return all(client.changes for client in clients)


def sync_changed_people(
    session: Session,
    org: OpenOrg,
    attempt: StreamAttempts,
    check: AccountCheck,
    rules: RemovalRules,
) -> None:
    """Customers, then the orders matched to them."""
    gone = attempt("customers", lambda: sync_changed_customers(session, org, check, rules))
    if session.run.failed("customers"):
        log.warning("orders_wait_for_customers")
        return
    attempt("orders", lambda: sync_changed_orders(session, org, check, rules, gone or set()))


def sync_changed_customers(
    session: Session, org: OpenOrg, check: AccountCheck, rules: RemovalRules
) -> set[str]:
    """Store the customers that changed and mark those that are no more; afterwards orders can be
    matched. Returns ids of customers that are known to be no more.

    Raises what the ``check`` of the accounts raises, before anything of the page is stored, and
    OutOfTime when the deadline passes: the next invocation goes on behind the last page stored.
    """
    records = StreamRecords(session, "customers")
    missing = MissingRecords(session, records, rules)
    known = records.manifest.count(STORED)

    def store(account: int, page: Page[Customer]) -> None:
        check.customers(account, page.records)
        records.count_page(page, expected=known)
        store_customers(session, records, page.records)
        for customer in page.records:
            records.manifest.listed(customer.id)

    changed: ChangedRecords[Customer] = ChangedRecords(
        session,
        records,
        missing,
        listed=lambda client, after: client.customers(start=max(after, START)),
        store=store,
        entry_of=lambda _, customer_id: customer_id,
    )
    changed.read(org.clients)
    session.progress.customers_complete_at = session.now()
    settle_customers(session, records, missing, org.clients)
    return changed.deleted


def sync_changed_orders(
    session: Session,
    org: OpenOrg,
    check: AccountCheck,
    rules: RemovalRules,
    gone_customers: set[str],
) -> None:
    """Store the orders that changed, each with its customer, and mark those that are no more.
    ``gone_customers`` need not be looked up. Raises as ``sync_changed_customers``."""
    changed = ChangedOrders(session, org, check, rules, gone_customers)
    changed.read()
    changed.search_earlier()
    with session.lock:
        changed.stream.records.release_unmet()
    changed.stored.settle(org.clients)


@dataclass
class ChangedRecords(Generic[R]):
    """What the accounts list of one stream. ``listed`` asks an account for what has changed since a
    version; ``prepare`` is called with each page, then ``store``, which also has the account's
    place, under the session's lock. ``entry_of`` is the manifest's key of a POS's id. ``deleted``
    are the keys of all records that the POS says are no more."""

    session: Session
    records: StreamRecords
    missing: MissingRecords
    listed: Callable[[PosClient, int], Generator[Page[R], None, None]]
    store: Callable[[int, Page[R]], None]
    entry_of: Callable[[PosClient, str], str]
    prepare: Callable[[PosClient, Page[R]], None] = lambda _client, _page: None
    deleted: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)
    _nameless: int = 0
    _known: int | None = None

    def read(self, clients: Sequence[PosClient]) -> None:
        """Read every list on to its end; then a part of what is to be read again."""
        progress = self.session.progress
        keys = [list_key(self.records.stream, client) for client in clients]
        whole = not any(key in progress.versions for key in keys)
        for account, (client, key) in enumerate(zip(clients, keys, strict=True)):
            for _ in self._stored(account, client, key):
                pass
            with self.session.lock:
                progress.listed_whole_at.setdefault(key, self.session.now())
        with self.session.lock:
            if whole:
                self._note_unlisted()
            self._look_up_damaged()
        for account, (client, key) in enumerate(zip(clients, keys, strict=True)):
            self._read_again(account, client, key)

    def _read_again(self, account: int, client: PosClient, key: str) -> None:
        progress, again = self.session.progress, f"{key} again"
        if self.session.now() - progress.listed_whole_at[key] < READ_AGAIN_AFTER:
            return
        for page in islice(self._stored(account, client, again), PAGES_READ_AGAIN):
            if page.last or progress.versions[again] >= progress.versions[key]:
                with self.session.lock:
                    del progress.versions[again]
                    progress.listed_whole_at[key] = self.session.now()
                return

    def _stored(self, account: int, client: PosClient, key: str) -> Generator[Page[R], None, None]:
        """The pages behind the version kept under the key, each once it is stored."""
        session = self.session
        versions = session.progress.versions
        pages = self.listed(client, versions.get(key, 0))
        with closing(ReadAhead(pages, lambda _: False, PAGES_AHEAD)) as ahead:
            for page in ahead:
                self.prepare(client, page)
                with session.lock:
                    self.store(account, page)
                    self._note(client, page)
                    versions[key] = page.resume
                    session.checkpoint_if_due()
                yield page
                if not page.last:
                    session.deadline.check()

    def _note(self, client: PosClient, page: Page[R]) -> None:
        """Note the page's records, and those that are no more: stored ones are to be looked up."""
        manifest, records = self.records.manifest, self.records
        listed = {record.id for record in page.records}
        self._seen |= listed | {r.record_id for r in page.rejected if r.record_id}
        self._nameless += sum(1 for r in page.rejected if not r.record_id)
        self.deleted -= listed
        gone = {self.entry_of(client, each) for each in page.deleted}
        self.deleted |= gone
        if not any(manifest.mark(i) in (STORED, SKIPPED, ANNOUNCED) for i in gone):
            return
        if self._known is None:
            self._known = manifest.count(STORED)
        stored = [i for i in self.deleted if manifest.mark(i) in (STORED, SKIPPED, ANNOUNCED)]
        fetched = records.tally.fetched
        self.missing.note(stored, listed=fetched, stored=self._known, unreadable=0)

    def _note_unlisted(self) -> None:
        """After every list was read from its beginning: note what is stored and not listed."""
        stored = {*self.records.may_be_stored(), *self.records.manifest.ids(SKIPPED)}
        gone = stored - self._seen - self.deleted - self.missing.to_look_up
        listed, unreadable = self.records.tally.fetched, self._nameless
        self.missing.note(gone, listed=listed, stored=len(stored), unreadable=unreadable)
        self.records.release_others()

    def _look_up_damaged(self) -> None:
        """Have records looked up that were put in quarantine by a run of the last day."""
        manifest, began = self.records.manifest, self.session.run.started_at
        since = self.session.now() - LOOKED_UP_FOR
        damaged = (
            key
            for key in list(manifest.in_quarantine())
            if not key.startswith(quarantine.NAMELESS)
            and manifest.quarantined_before(key, began)
            and not manifest.quarantined_before(key, since)
        )
        for key in islice(damaged, LOOK_UPS):
            manifest.miss(key, held=False)


class ChangedOrders:
    """The orders of an org's accounts. Those created before the day from which on the org wants
    them are left out, unless they are stored already."""

    def __init__(
        self,
        session: Session,
        org: OpenOrg,
        check: AccountCheck,
        rules: RemovalRules,
        gone_customers: set[str],
    ) -> None:
        self._session = session
        self._org = org
        self._check = check
        self._looked_up = set(gone_customers)
        self.stream = OrderStream(session, StoredCustomers(session, None), org.notify)
        self.stored = StoredOrders(session, self.stream, rules)
        self._known = self.stream.records.manifest.count(STORED)

    def read(self) -> None:
        """Read on in every list."""
        session, since = self._session, self._org.settings.orders_since
        for client in self._org.clients:
            if list_key("orders", client) not in session.progress.versions:
                with session.lock:
                    session.progress.orders_since[_account(client)] = since
        ChangedRecords(
            session,
            self.stream.records,
            self.stored.missing,
            listed=_orders_after,
            prepare=self._store_buyers,
            store=self._store,
            entry_of=lambda client, order_id: document_id(client.provider, order_id),
        ).read(self._org.clients)

    def search_earlier(self) -> None:
        """Where the org wants orders of earlier days than before: the versions of these are past,
        so they are searched by day, newest first."""
        session = self._session
        since, wanted_from = session.progress.orders_since, self._org.settings.orders_since
        for account, client in enumerate(self._org.clients):
            name = _account(client)
            while wanted_from < since[name]:
                window = DateWindow(max(wanted_from, since[name] - DAYS_SEARCHED), since[name])
                for page in client.orders(window):
                    self._store_buyers(client, page)
                    with session.lock:
                        self._store(account, page)
                with session.lock:
                    since[name] = window.since
                    session.checkpoint_if_due()
                session.deadline.check()

    def _store(self, account: int, page: Page[Order]) -> None:
        self._check.orders(account, page.records)
        zone, since = self._org.accounts[account].zone, self._org.settings.orders_since
        mark = self.stream.records.manifest.mark
        own = tuple(
            order
            for order in page.records
            if order.created_at.astimezone(zone).date() >= since or mark(order.id) is not None
        )
        self.stream.store_page(replace(page, records=own), expected=self._known)

    def _store_buyers(self, client: PosClient, page: Page[Order]) -> None:
        """Look up the customers of the orders who are not stored, and store them: they are as new
        as the orders, and these are not listed again."""
        unknown = unknown_buyers(self._session, [page]) - self._looked_up
        if not unknown:
            return
        found = of_each([client], unknown, lambda pos, i: pos.customer(i))
        self._looked_up |= unknown
        store_found(self._session, found.values())


def list_key(stream: str, client: PosClient) -> str:
    """Under which the version of a list is kept."""
    return f"{stream} {_account(client)}"


def _account(client: PosClient) -> str:
    assert client.changes is not None
    return client.changes.account


def _orders_after(client: PosClient, version: int) -> Generator[Page[Order], None, None]:
    assert client.changes is not None
    return client.changes.orders(version)
