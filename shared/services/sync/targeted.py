"""Fetching and storing single records that somebody named.

The records that webhooks named, fetched one by one: a run of a second or so.

Every webhook is kept before its message is sent (store/webhook_events.py). A run sees to all that
wait in its org, so that many at once are one run; where another run has the org, they are left to
it: whoever frees the org looks afterwards whether any still wait.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import structlog

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.customers import Customer
from shared.domain.orders import Order
from shared.domain.runs import WEBHOOK_RUN, RunState
from shared.errors import ConfigurationInvalid, OrgError, Owner, RetryLater
from shared.pos.port import Page, PosClient
from shared.services.deadline import Deadline
from shared.services.sync import ending, incidents
from shared.services.sync.customers import StoredCustomers, store_customers
from shared.services.sync.opening import acquire, open_session
from shared.services.sync.orders import OrderStream
from shared.services.sync.org import OrgStreams
from shared.services.sync.pos_locations import OpenPos, PosLocation, clients_of, open_pos_locations
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session, StreamAttempts
from shared.services.webhooks import request
from shared.store import locations, runs, tenants, webhook_events
from shared.store.database import Database
from shared.store.lease import HeldByOtherRun
from shared.store.runs import Run
from shared.store.tenants import SyncSettings
from shared.store.webhook_events import StoredWebhook

CALLS_AT_ONCE = 8

R = TypeVar("R", Customer, Order)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NamedRecords:
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
    shelves: Sequence[PosLocation],
    named: NamedRecords,
    settings: SyncSettings,
    *,
    today: date,
) -> None:
    """Store the records that changed, an order's customer with it. What fails is noted on the run.

    There is no asking for a single product: stock is listed whole in one call per location, so
    that a product that is named brings all others along.
    """
    attempt = StreamAttempts(session, named.streams)
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


AT_ONCE = 100
"""Webhooks that one run sees to."""
LEFT_TO_THE_POLL = timedelta(hours=1)
"""What has waited longer is not fetched any more: a poll has had it."""


@dataclass(frozen=True, slots=True)
class TargetedSync:
    """Fetches named records. Fields as those of OrgSync."""

    database: Database
    open_pos: OpenPos
    spending: Publisher
    pos_sync: Publisher
    clock: Clock
    seconds: float
    lease_ttl: timedelta

    def __call__(self, message: PosSync) -> None:
        """Fetch the records that the message names, and those of every webhook that waits.

        Leaves them to the run that has the org, if one has. Raises RetryLater where the POS
        cannot give them now: the message is then to be delivered again.
        """
        database = self.database.metered()
        if webhook_events.is_processed(database, message.org_id, _key(message)):
            log.info("webhook_settled_already")
        elif incidents.is_resting(database, message, self.clock()):
            log.info("org_paused")
            return
        elif not self._had_the_org(database, message):
            return
        self.catch_up(message.org_id)

    def catch_up(self, org_id: str) -> None:
        """Ask for the records of webhooks that came while a run had the org."""
        for event in webhook_events.waiting(self.database, org_id, limit=1):
            self.pos_sync.publish([request(org_id, event.key, event)])

    def _had_the_org(self, database: Database, message: PosSync) -> bool:
        before = runs.read(database, message.org_id, message.run_id)
        run = Run(state=RunState.RUNNING, trigger=message.trigger, started_at=self.clock())
        run.invocations = 1 + (before.invocations if before else 0)
        held = acquire(database, message, run, clock=self.clock, ttl=self.lease_ttl)
        if isinstance(held, HeldByOtherRun):
            log.info("webhook_left_to_running_run", running=held.run_id)
            return False
        deadline = Deadline(self.seconds)
        with open_session(
            database,
            message,
            held,
            run,
            spending=self.spending,
            clock=self.clock,
            deadline=deadline,
        ) as session:
            self._work(message, session)
        log.info("run_ended", state=run.state, **run.cost.model_dump())
        if any(error.owner == Owner.PROVIDER for error in run.errors):
            raise RetryLater("the POS does not give the records now")
        return True

    def _work(self, message: PosSync, session: Session) -> None:
        run, org_id = session.run, session.org_id
        events = self._events(message, session)
        young = [e for e in events if e.received_at >= session.now() - LEFT_TO_THE_POLL]
        named = _named(message, young)
        try:
            settings = tenants.read(session.database, org_id)
            active = locations.active_of(session.database, org_id)
            if not active:
                raise ConfigurationInvalid(f"org {org_id} has no active POS location")
            today = self.clock().astimezone(active[0].zone).date()
            shelves = open_pos_locations(active, self.open_pos)
            store_named(session, shelves, named, settings.sync, today=today)
        except OrgError as error:
            run.errors.append(ending.run_error(error))
        ending.end(run, wanted=named.streams, now=session.now())
        again = any(error.owner == Owner.PROVIDER for error in run.errors)
        state = webhook_events.FAILED if run.errors else webhook_events.DONE
        session.close(
            webhook_events.processed(
                org_id,
                [event.key for event in events if not again or event not in young],
                run_id=session.run_id,
                state=state,
                now=session.now(),
            )
        )

    def _events(self, message: PosSync, session: Session) -> list[StoredWebhook]:
        """Those that wait; from the second try on only the message's own: what makes a run fail
        must not keep others waiting."""
        waiting = webhook_events.waiting(session.database, session.org_id, limit=AT_ONCE)
        return [e for e in waiting if session.run.invocations == 1 or e.key == _key(message)]


def _key(message: PosSync) -> str:
    return message.run_id.removeprefix(WEBHOOK_RUN)


def _named(message: PosSync, events: Sequence[StoredWebhook]) -> NamedRecords:
    return NamedRecords(
        {*(message.customer_ids or ()), *(i for e in events for i in e.customer_ids)},
        {*(message.order_ids or ()), *(i for e in events for i in e.order_ids)},
        {*(message.product_ids or ()), *(i for e in events for i in e.product_ids)},
    )
