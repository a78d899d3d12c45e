"""The customers and orders of a POS that numbers its changes: what has changed since the version up
to which the last run has read. Where nothing has, that is one call a list."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from shared.domain.customers import Customer
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order, document_id
from shared.pos.port import START, Page, PosClient
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.attempts import StreamAttempts
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
from shared.services.sync.session import Session
from shared.services.sync.version_lists import ChangedRecords, account_of, list_key
from shared.store.manifest import STORED

DAYS_SEARCHED = timedelta(days=92)
"""Of orders that are searched by day, in one listing."""

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
                    session.progress.orders_since[account_of(client)] = since
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
            name = account_of(client)
            while wanted_from < since[name]:
                window = DateWindow(max(wanted_from, since[name] - DAYS_SEARCHED), since[name])
                for page in client.orders(window):
                    self._store_buyers(account, page)
                    with session.lock:
                        self._store(account, page)
                with session.lock:
                    since[name] = window.since
                    session.checkpoint_if_due()
                session.deadline.check()

    def _store(self, account: int, page: Page[Order]) -> None:
        self._check.orders(account, page.records)
        self.stream.store_page(self._wanted(account, page), expected=self._known)

    def _store_buyers(self, account: int, page: Page[Order]) -> None:
        """Look up the customers of the orders who are not stored, and store them: they are as new
        as the orders, and these are not listed again."""
        wanted = self._wanted(account, page)
        unknown = unknown_buyers(self._session, [wanted]) - self._looked_up
        if not unknown:
            return
        clients = [self._org.clients[account]]
        found = of_each(clients, unknown, lambda client, i: client.customer(i))
        self._looked_up |= unknown
        store_found(self._session, found.values())

    def _wanted(self, account: int, page: Page[Order]) -> Page[Order]:
        """The page without the orders that are left out."""
        zone, since = self._org.accounts[account].zone, self._org.settings.orders_since
        mark = self.stream.records.manifest.mark
        own = (
            order
            for order in page.records
            if order.created_at.astimezone(zone).date() >= since or mark(order.id) is not None
        )
        return replace(page, records=tuple(own))


def _orders_after(client: PosClient, version: int) -> Generator[Page[Order], None, None]:
    assert client.changes is not None
    return client.changes.orders(version)
