"""The stock of every location, as it is listed: rows to be summed, batches to be kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from shared.domain.batches import BatchStock, with_known_expiry
from shared.domain.expiry import without_expired
from shared.domain.inventory import InventoryRow
from shared.pos.base import PosClient
from shared.services.sync.batches import BatchLookUps, last_days
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session
from shared.store.batches import BatchBook


@dataclass(frozen=True, slots=True)
class Shelf:
    """One location: the client of its account, the POS's id of it, its name and time zone."""

    client: PosClient
    location_id: str
    name: str
    zone: ZoneInfo


@dataclass(slots=True)
class Stock:
    """What all shelves listed. Rows that have expired are no longer sellable. ``quarantined`` are
    items with a row that could not be read, ``unreadable_ids`` counts rows of nobody knows what."""

    rows: list[InventoryRow] = field(default_factory=list)
    batches: list[BatchStock] = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)
    unreadable_ids: int = 0


def list_stock(
    session: Session, records: StreamRecords, shelves: Sequence[Shelf], book: BatchBook
) -> Stock:
    """List every shelf to its end; raises what the listing raises."""
    stock = Stock()
    look_ups = BatchLookUps(session, book)
    for shelf in shelves:
        rows = _listed(session, records, shelf, stock)
        today = session.now().astimezone(shelf.zone).date()
        batches = look_ups.batches(rows, shelf.client, today)
        stock.batches += batches
        stock.rows += without_expired(with_known_expiry(rows, last_days(batches)), today)
    return stock


def _listed(
    session: Session, records: StreamRecords, shelf: Shelf, stock: Stock
) -> list[InventoryRow]:
    rows: list[InventoryRow] = []
    for page in shelf.client.inventory(shelf.location_id):
        with session.lock:
            records.count_page(page, expected=0)
        rows += page.records
        ids = [rejected.record_id for rejected in page.rejected]
        stock.unreadable_ids += ids.count(None)
        stock.quarantined.update(i for i in ids if i is not None)
    return rows
