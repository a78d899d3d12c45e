"""A session whose writes stay in memory, over a Firestore that is empty."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from shared.bus.messages import ComputeSpending
from shared.clock import Clock, Deadline
from shared.domain.discounts import Discount
from shared.domain.removal import AllowedRemovals
from shared.domain.runs import RunState
from shared.outbound.session import HttpReply
from shared.pos.alleaves.api import ReadRows
from shared.pos.alleaves.client import AlleavesClient
from shared.pos.paging import FetchedPage
from shared.services.sync.pos_locations import OpenOrg, PosLocation
from shared.services.sync.products import sync_products
from shared.services.sync.sales import Prices, Sales
from shared.services.sync.session import Session
from shared.store.database import Database, Document, Meter, Write
from shared.store.inventory import BatchStore, PriceList
from shared.store.runs import Run
from shared.store.tenants import SyncSettings

E = TypeVar("E")
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
ORG = "org_fuzz"
ZONE = ZoneInfo("America/New_York")


class EmptyDatabase(Database):
    """A Firestore without documents."""

    def __init__(self) -> None:
        self.meter = Meter()

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        return {path: Document(path.rpartition("/")[2], {}, None, NOW, path) for path in paths}

    def get(self, path: str) -> Document:
        return self.get_all([path])[path]


class MemoryRun:
    """A run that keeps what is written."""

    unsettled = b""

    def __init__(self) -> None:
        self.org_id, self.run_id = ORG, "run"
        self.run = Run(state=RunState.RUNNING, trigger="cron", started_at=NOW)
        self.database: Database = EmptyDatabase()
        self.writes: list[Write] = []

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        self.writes += writes

    checkpoint = hand_over = end = commit


class StockOnly:
    """Alleaves' calls, of which only the stock list matters, given as decoded JSON."""

    name = "The POS"

    def __init__(self, rows: Sequence[object]) -> None:
        self._rows = rows

    def inventory(
        self, location_id: str, read_rows: ReadRows[E], skip: int, take: int | None
    ) -> FetchedPage[E]:
        return FetchedPage(read_rows(self._rows), None, 1)

    def areas(self, location_id: str, read_rows: ReadRows[E]) -> FetchedPage[E]:
        return FetchedPage(read_rows([]), None, 1)

    def record(self, path: str, what: str) -> HttpReply[object]:
        return HttpReply({}, 1)


class NoRequests:
    """No customer is concerned."""

    def publish(self, messages: Iterable[ComputeSpending]) -> int:
        return len(list(messages))


@contextmanager
def session_in(memory: MemoryRun, clock: Clock = lambda: NOW) -> Generator[Session, None, None]:
    with Session(
        memory,
        provider="alleaves",
        spending=NoRequests(),
        clock=clock,
        deadline=Deadline(60),
    ) as session:
        yield session


def synced(rows: Sequence[object], discounts: Iterable[Discount] = ()) -> list[Write]:
    """All writes of a first sync of products."""
    return first_sync(rows, discounts).writes


def first_sync(rows: Sequence[object], discounts: Iterable[Discount] = ()) -> MemoryRun:
    """The run of a first sync of products."""
    memory = MemoryRun()
    with session_in(memory) as session:
        listed = PriceList(ORG, "prices", {}, 1)
        sales = Sales(ORG, listed, list(discounts), lambda: NOW)
        api: Any = StockOnly(rows)
        client = AlleavesClient(api, zone=ZONE, location_id="1000", clock=lambda: NOW)
        sync_products(
            session,
            OpenOrg(
                SyncSettings(),
                [PosLocation(client, "1000", "Main Street", ZONE, "main-street")],
                "alleaves",
                NOW.date(),
            ),
            Prices(session, listed, sales),
            BatchStore(ORG, "batches", {}, 1),
            allowed=AllowedRemovals(),
        )
        session.checkpoint()
    return memory
