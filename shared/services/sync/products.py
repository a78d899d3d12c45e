"""The products stream: the stock of every location, summed to products; what is gone is removed."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.catalogue import Product, products_from_rows
from shared.domain.inventory import InventoryRow
from shared.domain.removal import Decision, decide
from shared.pos.base import PosClient
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import paths, products
from shared.store.database import Write
from shared.store.manifest import REMOVED, STORED
from shared.store.tenants import SyncSettings

STREAM = "products"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One location's stock: the client of its account and the POS's id of the location."""

    client: PosClient
    location_id: str


def sync_products(
    session: Session, shelves: Sequence[Shelf], settings: SyncSettings, *, allow_deletions: bool
) -> None:
    """Store every product; remove, by the rules of ``domain.removal``, what no shelf has.

    A product is known only when every row of it is, so nothing is stored before all is listed.
    """
    stream = ProductStream(session)
    rows = stream.listed(shelves)
    found = products_from_rows(rows, location_ids_in_order=[s.location_id for s in shelves])
    with session.lock:
        stream.store(found.products, source=shelves[0].client.provider)
        stream.remove_missing(
            {product.id for product in found.products},
            rows=len(rows),
            max_delete_percent=settings.max_delete_percent,
            allowed=allow_deletions,
        )


class ProductStream:
    """One invocation's work on the products."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._records = StreamRecords(session, STREAM)
        self._unreadable_ids = 0
        self._quarantined: set[str] = set()

    def listed(self, shelves: Sequence[Shelf]) -> list[InventoryRow]:
        """The readable rows of every shelf."""
        rows: list[InventoryRow] = []
        for shelf in shelves:
            for page in shelf.client.inventory(shelf.location_id):
                with self._session.lock:
                    self._records.count_page(page, expected=0)
                rows.extend(page.records)
                ids = [rejected.record_id for rejected in page.rejected]
                self._unreadable_ids += ids.count(None)
                self._quarantined.update(i for i in ids if i is not None)
        return rows

    def store(self, found: Sequence[Product], *, source: str) -> None:
        """Write the products that changed. One with a row in quarantine stays as it was: a sum
        over half its rows would be wrong."""
        session, records = self._session, self._records
        changed = records.changed(
            Record(product.id, products.fields_of(product, session.org_id, source))
            for product in found
            if product.id not in self._quarantined
        )
        back = [
            c.record.id for c in changed if records.manifest.mark(c.record.id) in (REMOVED, None)
        ]
        merchant = products.merchant_fields(session.database, paths.products(session.org_id), back)

        def put(change: Changed) -> list[Write]:
            fields = dict(change.record.fields)
            kept = merchant.get(change.record.id, {})
            return products.put(session.org_id, fields, now=session.now(), merchant=kept)

        records.store(changed, put)

    def remove_missing(
        self, found: set[str], *, rows: int, max_delete_percent: float, allowed: bool
    ) -> None:
        """Take off the menu what no shelf lists, or hold it for a person to decide."""
        session, records = self._session, self._records
        stored = set(records.manifest.ids(STORED))
        gone = sorted(stored - found - self._quarantined)
        removal = decide(
            listed=rows,
            stored=len(stored),
            gone=len(gone),
            unreadable=self._unreadable_ids,
            max_delete_percent=max_delete_percent,
            allowed=allowed,
        )
        if removal.decision is Decision.HOLD:
            session.run.held = removal.reason
            session.run.deletions_held = len(gone)
        if removal.decision is not Decision.REMOVE:
            return
        merchant = products.merchant_fields(
            session.database, paths.menu_items(session.org_id), gone
        )
        for product_id in gone:
            session.store(
                products.remove(
                    session.org_id,
                    product_id,
                    now=session.now(),
                    merchant=merchant.get(product_id, {}),
                )
            )
            records.manifest.remove(product_id)
            records.tally.deleted += 1
