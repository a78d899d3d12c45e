"""The products stream: the stock of every location, summed to products; what is gone is removed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.domain.batches import items_missing_batches
from shared.domain.catalogue import Problem, Product, products_from_rows
from shared.domain.removal import Decision, Removal, decide
from shared.pos.base import Rejected
from shared.services.sync.prices import Prices
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.services.sync.stock import Shelf, Stock, list_stock
from shared.store import paths, products
from shared.store.batches import BatchBook
from shared.store.database import Write
from shared.store.manifest import ANNOUNCED, STORED
from shared.store.tenants import SyncSettings

STREAM = "products"


def sync_products(
    session: Session,
    shelves: Sequence[Shelf],
    settings: SyncSettings,
    prices: Prices,
    batches: BatchBook,
    *,
    allow_deletions: bool,
) -> None:
    """Store every product; remove, by the rules of ``domain.removal``, what no shelf has.

    A product is known only when every row of it is, so nothing is stored before all is listed.
    """
    stream = ProductStream(session, prices)
    stock = list_stock(session, stream.records, shelves, batches)
    found = products_from_rows(
        stock.rows,
        location_ids_in_order=[shelf.location_id for shelf in shelves],
        markups=settings.markups,
    )
    # A sum over half its rows would be wrong: such a product stays as it was.
    left_out = set(stock.quarantined)
    with session.lock:
        removal, gone = stream.judge(
            {product.id for product in found.products} | stock.quarantined,
            stock,
            max_delete_percent=settings.max_delete_percent,
            allowed=allow_deletions,
        )
        if removal.decision is Decision.HOLD:
            left_out |= items_missing_batches(batches.all(), stock.batches)
        whole = {product.id: product for product in found.products if product.id not in left_out}
        stream.report(problem for problem in found.problems if problem.product_id in whole)
        stream.store(whole, source=shelves[0].client.provider)
        stream.settle(removal, gone)
        if removal.decision is not Decision.HOLD:
            batches.put(stock.batches)
        if removal.decision in (Decision.NOTHING_GONE, Decision.REMOVE):
            batches.keep_only(stock.batches)
        stream.records.release_others()


class ProductStream:
    """One invocation's work on the products."""

    def __init__(self, session: Session, prices: Prices) -> None:
        self.records = StreamRecords(session, STREAM)
        self._session = session
        self._prices = prices

    def report(self, problems: Iterable[Problem]) -> None:
        """Put the products that somebody must look after in quarantine too; one reason each."""
        first: dict[str, Problem] = {}
        for problem in problems:
            first.setdefault(problem.product_id, problem)
        self.records.tally.quarantined += len(first)
        self.records.quarantine(map(_rejected, first.values()))

    def store(self, found: Mapping[str, Product], *, source: str) -> None:
        """Write the products that changed."""
        session, records = self._session, self.records
        changed = records.changed(
            Record(product.id, products.fields_of(product, session.org_id, source))
            for product in found.values()
        )
        merchant = self._merchant_fields(changed)
        records.announce(changed)

        def put(change: Changed) -> list[Write]:
            product = found[change.record.id]
            sale = self._prices.sale_fields(product)
            writes = products.put(
                session.org_id,
                dict(change.record.fields),
                now=session.now(),
                merchant=merchant.get(product.id, {}),
                sale=sale,
            )
            return [*writes, *self._prices.written(product, sale)]

        records.store(changed, put)
        written = {change.record.id for change in changed}
        self._prices.unchanged(each for each in found.values() if each.id not in written)

    def judge(
        self, found: set[str], stock: Stock, *, max_delete_percent: float, allowed: bool
    ) -> tuple[Removal, list[str]]:
        """What is to become of the products that no shelf lists, and which they are."""
        stored = self.records.may_be_stored()
        gone = sorted(stored - found)
        removal = decide(
            listed=len(stock.rows),
            stored=len(stored),
            gone=len(gone),
            unreadable=stock.unreadable_ids,
            max_delete_percent=max_delete_percent,
            allowed=allowed,
        )
        return removal, gone

    def settle(self, removal: Removal, gone: Sequence[str]) -> None:
        """Take off the menu what no shelf lists, or hold it for a person to decide."""
        run, progress = self._session.run, self._session.progress
        held = removal.decision is Decision.HOLD
        run.held = progress.held = removal.reason if held else None
        run.deletions_held = progress.deletions_held = len(gone) if held else 0
        if removal.decision is Decision.REMOVE:
            self._remove(gone)

    def _remove(self, gone: Sequence[str]) -> None:
        session, records = self._session, self.records
        menu = paths.menu_items(session.org_id)
        merchant = products.merchant_fields(session.database, menu, gone)
        for product_id in gone:
            announced = records.manifest.mark(product_id) == ANNOUNCED
            records.manifest.remove(product_id)
            if announced and product_id not in merchant:
                continue  # it never came to be stored
            kept = merchant.get(product_id, {})
            session.store(
                products.remove(session.org_id, product_id, now=session.now(), merchant=kept)
            )
            self._prices.removed(product_id)
            records.tally.deleted += 1

    def _merchant_fields(self, changed: Iterable[Changed]) -> dict[str, dict[str, Any]]:
        """What merchants had set on the products that come back to the menu."""
        manifest = self.records.manifest
        back = [c.record.id for c in changed if manifest.mark(c.record.id) != STORED]
        where = paths.products(self._session.org_id)
        return products.merchant_fields(self._session.database, where, back)


def _rejected(problem: Problem) -> Rejected:
    raw = json.dumps({"id_item": problem.product_id})
    return Rejected(problem.product_id, problem.code, problem.message, raw)
