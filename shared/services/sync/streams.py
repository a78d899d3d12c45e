"""All streams of an org: customers, then the orders matched to them; products beside both."""

import contextvars
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import structlog

from shared.errors import OrgError, ProviderError
from shared.services.sync import ending
from shared.services.sync.accounts import clients_of
from shared.services.sync.customers import sync_customers
from shared.services.sync.directory import StoredCustomers
from shared.services.sync.orders import sync_orders
from shared.services.sync.products import Shelf, sync_products
from shared.services.sync.session import Session
from shared.store.tenants import SyncSettings

T = TypeVar("T")

STREAMS = ("customers", "orders", "products")

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

    def sync(self) -> None:
        """Sync every wanted stream that the run has not done yet.

        Raises OutOfTime when a stream has more to do than there is time for, and whatever was
        not foreseen, after the streams beside it have ended.
        """
        chains = (self._people, self._products)
        with ThreadPoolExecutor(len(chains), thread_name_prefix="stream") as pool:
            jobs = [pool.submit(contextvars.copy_context().run, chain) for chain in chains]
        for job in jobs:
            job.result()

    def _people(self) -> None:
        session, clients = self.session, clients_of(self.shelves)
        listed = self._attempt("customers", lambda: sync_customers(session, clients))
        if session.run.failed("customers"):
            log.warning("orders_wait_for_customers")
            return
        directory = StoredCustomers(session, listed)
        self._attempt(
            "orders",
            lambda: sync_orders(session, clients, directory, self.settings, today=self.today),
        )

    def _products(self) -> None:
        self._attempt(
            "products",
            lambda: sync_products(
                self.session, self.shelves, self.settings, allow_deletions=self.allow_deletions
            ),
        )

    def _attempt(self, stream: str, work: Callable[[], T]) -> T | None:
        run = self.session.run
        if stream not in self.wanted or stream in run.done:
            return None
        started = time.monotonic()
        result: T | None = None
        try:
            result = work()
        except (OrgError, ProviderError) as error:
            log.warning("stream_failed", stream=stream, code=error.code, owner=error.owner)
            run.errors.append(ending.note(error, stream))
        finally:
            run.tally(stream).seconds += time.monotonic() - started
        run.done.append(stream)
        log.info("stream_done", stream=stream, **run.tally(stream).model_dump())
        return result
