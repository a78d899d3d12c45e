"""Fetching and storing single records that somebody named."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import structlog

from shared.domain.customers import Customer
from shared.domain.orders import Order
from shared.pos.base import Page, PosClient
from shared.services.sync.accounts import clients_of
from shared.services.sync.attempts import Attempts
from shared.services.sync.customers import store_customers
from shared.services.sync.directory import StoredCustomers
from shared.services.sync.orders import OrderStream
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session
from shared.services.sync.stock import Shelf
from shared.services.sync.streams import OrgStreams
from shared.store.tenants import SyncSettings

CALLS_AT_ONCE = 8

R = TypeVar("R", Customer, Order)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Named:
    """Ids of records, as the POS has them."""

    customer_ids: Collection[str]
    order_ids: Collection[str]
    product_ids: Collection[str]

    @property
    def streams(self) -> list[str]:
        """The streams that the records belong to."""
        people = ["customers"] if self.customer_ids or self.order_ids else []
        return people + ["orders"] * bool(self.order_ids) + ["products"] * bool(self.product_ids)


def store_named(
    session: Session,
    shelves: Sequence[Shelf],
    named: Named,
    settings: SyncSettings,
    *,
    today: date,
) -> None:
    """Store the records that changed, an order's customer with it. What fails is noted on the run.

    There is no asking for a single product: stock is listed whole in one call per location, so
    that a product that is named brings all others along.
    """
    attempt = Attempts(session, named.streams)
    clients = clients_of(shelves)
    found = attempt("orders", lambda: _fetch(clients, named.order_ids, _order)) or []
    wanted = {*named.customer_ids, *_buyers(session, found)}
    customers = attempt("customers", lambda: _fetch(clients, wanted, _customer)) or []
    with session.lock:
        _store_customers(session, customers)
        orders = OrderStream(session, StoredCustomers(session, None))
        for page in found:
            orders.store_page(page, expected=None)
    if named.product_ids:
        OrgStreams(
            session=session,
            shelves=shelves,
            settings=settings,
            today=today,
            wanted=["products"],
            allow_deletions=False,
        ).sync()


def _store_customers(session: Session, pages: Iterable[Page[Customer]]) -> None:
    records = StreamRecords(session, "customers")
    for page in pages:
        records.count_page(page, expected=None)
        store_customers(session, records, page.records)


def _buyers(session: Session, pages: Iterable[Page[Order]]) -> set[str]:
    """Customers that the orders name and nobody has heard of: they are as new as the orders."""
    known = StoredCustomers(session, None)
    buyers = (order.pos_customer_id for page in pages for order in page.records)
    return {buyer for buyer in buyers if buyer and not known.has(buyer)}


def _customer(client: PosClient, record_id: str) -> Page[Customer]:
    return client.customer(record_id)


def _order(client: PosClient, record_id: str) -> Page[Order]:
    return client.order(record_id)


def _fetch(
    clients: Sequence[PosClient],
    record_ids: Collection[str],
    ask: Callable[[PosClient, str], Page[R]],
) -> list[Page[R]]:
    """Each record from the first account that has it."""

    def fetch(record_id: str) -> Page[R]:
        page = ask(clients[0], record_id)
        for client in clients[1:]:
            if page.rows:
                break
            page = ask(client, record_id)
        return page

    with ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="record") as pool:
        pages = list(pool.map(fetch, sorted(record_ids)))
    if missing := sum(1 for page in pages if not page.rows):
        log.info("records_not_found", missing=missing)
    return pages
