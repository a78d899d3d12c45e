"""A session whose writes stay in memory, over a Firestore that is empty."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.discounts import Discount
from shared.domain.inventory import BatchDetail
from shared.domain.runs import RunState
from shared.pos.alleaves.api import RawPage
from shared.pos.alleaves.catalogue import to_inventory_row
from shared.pos.alleaves.client import list_stock
from shared.services.deadline import Deadline
from shared.services.sync.pos_locations import PosLocation
from shared.services.sync.products import sync_products
from shared.services.sync.sales import Prices, Sales
from shared.services.sync.session import Session
from shared.store.batches import BatchStore
from shared.store.database import Database, Document, Meter, Write
from shared.store.packed_map import PackedMap
from shared.store.prices import PriceList
from shared.store.progress import SyncProgress
from shared.store.runs import Run
from shared.store.tenants import SyncSettings

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
ORG = "org_fuzz"


class EmptyDatabase(Database):
    """A Firestore without documents."""

    def __init__(self) -> None:
        self.meter = Meter()

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        return {path: Document(path.rpartition("/")[2], {}, None, NOW, path) for path in paths}


class MemorySink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.writes: list[Write] = []

    def commit(self, writes: Sequence[Write]) -> None:
        self.writes += writes

    release = hand_over = commit

    def keep_alive(self) -> None:
        """There is nobody to keep it from."""

    def stop(self, *, hand_over: bool) -> None:
        """There is nothing to free."""


class StockOnly:
    """A POS of which only the stock list matters, given as decoded JSON."""

    provider = "alleaves"

    def __init__(self, rows: Sequence[object]) -> None:
        self._rows = rows

    def inventory(self, location_id: str) -> Generator[Any, None, None]:
        return list_stock(
            lambda skip, take: RawPage(self._rows, None, 1),
            lambda row: to_inventory_row(row, location_id),
            provider="The POS",
        )

    def batch(self, batch_id: str) -> BatchDetail:
        return BatchDetail()


def _ignore_spending(session: Session, customer_ids: set[str], *, ended: bool) -> None:
    """No customer is concerned."""


@contextmanager
def session_in(memory: MemorySink) -> Generator[Session, None, None]:
    with Session(
        org_id=ORG,
        run_id="run",
        database=EmptyDatabase(),
        sink=memory,
        run=Run(state=RunState.RUNNING, trigger="cron", started_at=NOW),
        progress=SyncProgress(),
        manifests={},
        ask_spending=_ignore_spending,
        clock=lambda: NOW,
        deadline=Deadline(60),
    ) as session:
        yield session


def synced(rows: Sequence[object], discounts: Iterable[Discount] = ()) -> list[Write]:
    """All writes of a first sync of products."""
    memory = MemorySink()
    with session_in(memory) as session:
        listed = PriceList(PackedMap(ORG, "prices", {}, 1))
        sales = Sales(ORG, listed, list(discounts), lambda: NOW)
        client: Any = StockOnly(rows)
        sync_products(
            session,
            [PosLocation(client, "1000", "Main Street", ZoneInfo("America/New_York"))],
            SyncSettings(),
            Prices(session, listed, sales),
            BatchStore(PackedMap(ORG, "batches", {}, 1)),
            allow_deletions=False,
        )
        session.checkpoint()
    return memory.writes
