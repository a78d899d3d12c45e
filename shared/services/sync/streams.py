"""All streams of an org: customers, then the orders matched to them; what it sells beside both."""

import contextvars
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from shared.services.sync import catalogue
from shared.services.sync.accounts import clients_of
from shared.services.sync.attempts import Attempts
from shared.services.sync.catalogue import Catalogue
from shared.services.sync.customers import sync_customers
from shared.services.sync.directory import StoredCustomers
from shared.services.sync.orders import sync_orders
from shared.services.sync.session import Session
from shared.services.sync.stock import Shelf
from shared.store.tenants import SyncSettings

STREAMS = ("customers", "orders", *catalogue.STREAMS)
LOOK_AGAIN_SECONDS = 15.0
"""How often a run that takes long sees whether a discount has begun or ended meanwhile."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrgStreams:
    """The streams of one invocation. A stream that fails is noted on the run; the others go on."""

    session: Session
    shelves: Sequence[Shelf]
    settings: SyncSettings
    today: date
    wanted: Collection[str]
    allow_deletions: bool

    def sync(self) -> datetime | None:
        """Sync every wanted stream that the run has not done yet. Returns when what is on sale
        next changes by itself, as far as this run knows.

        Raises OutOfTime when a stream has more to do than there is time for, and whatever was
        not foreseen, after the streams beside it have ended.
        """
        attempt = Attempts(self.session, self.wanted)
        sold = Catalogue(
            self.session,
            self.shelves,
            self.settings,
            attempt,
            allow_deletions=self.allow_deletions,
        )
        chains = (lambda: self._people(attempt), sold.sync)
        with ThreadPoolExecutor(len(chains), thread_name_prefix="stream") as pool:
            jobs = [pool.submit(contextvars.copy_context().run, chain) for chain in chains]
            while wait(jobs, timeout=LOOK_AGAIN_SECONDS).not_done:
                sold.keep_sales_right()
        for job in jobs:
            job.result()
        return sold.next_change

    def _people(self, attempt: Attempts) -> None:
        session, clients = self.session, clients_of(self.shelves)
        listed = attempt("customers", lambda: sync_customers(session, clients))
        if session.run.failed("customers"):
            log.warning("orders_wait_for_customers")
            return
        directory = StoredCustomers(session, listed)
        attempt(
            "orders",
            lambda: sync_orders(session, clients, directory, self.settings, today=self.today),
        )
