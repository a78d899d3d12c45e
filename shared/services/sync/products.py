"""Batches: as the stock list has them, the doubtful ones looked up one by one.

The stock of every location, as it is listed: rows to be summed, batches to be kept.

The products stream: the stock of every location, summed to products; what is gone is removed.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import structlog

from shared.domain.catalogue import Problem, Product, products_from_rows
from shared.domain.inventory import (
    BatchDetail,
    BatchStock,
    InventoryRow,
    batches_in,
    batches_to_look_up,
    items_missing_batches,
    with_known_expiry,
    without_expired,
)
from shared.domain.removal import Decision, Removal, decide
from shared.errors import OrgError, ProviderError, ProviderRefused
from shared.pos.port import PosClient, Rejected
from shared.services.sync.pos_locations import PosLocation
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.sales import Prices
from shared.services.sync.session import Session
from shared.store import paths, products
from shared.store.batches import BatchStore
from shared.store.database import Write
from shared.store.manifest import ANNOUNCED, STORED
from shared.store.tenants import SyncSettings

LOOK_UPS = 100
"""Single look-ups in one run at the most."""
AT_ONCE = 8
SECONDS = 20.0
"""What has not been told by then is not waited for."""

log = structlog.get_logger(__name__)


class BatchLookUps:
    """The look-ups of one run. Best effort: one that fails is not repeated for a day."""

    def __init__(self, session: Session, book: BatchStore) -> None:
        self._session = session
        self._known = {batch.batch_id: batch for batch in book.all()}
        self._left = LOOK_UPS

    def batches(
        self, rows: Iterable[InventoryRow], client: PosClient, today: date
    ) -> list[BatchStock]:
        """The batches in the rows of one location, whose own date is ``today``, with what
        look-ups have told of them."""
        found = [_remembered(b, self._known.get(b.batch_id)) for b in batches_in(rows)]
        wanted = batches_to_look_up(found, today=today, now=self._session.now(), limit=self._left)
        if not wanted:
            return found
        self._left -= len(wanted)
        answers = _look_up(client, wanted)
        now = self._session.now()
        return [
            replace(b, detail=answers[b.batch_id] or b.detail, looked_up_at=now)
            if b.batch_id in answers
            else b
            for b in found
        ]


def last_days(batches: Iterable[BatchStock]) -> Mapping[str, str]:
    """The ISO date on which each batch expires, where it is known."""
    return {batch.batch_id: batch.last_day for batch in batches if batch.last_day}


def _remembered(batch: BatchStock, before: BatchStock | None) -> BatchStock:
    if before is None:
        return batch
    return replace(batch, detail=before.detail, looked_up_at=before.looked_up_at)


def _look_up(client: PosClient, batch_ids: Sequence[str]) -> dict[str, BatchDetail | None]:
    """What was told of each batch that was asked for; None of one that the POS could not tell of.
    Where one look-up fails the rest would keep the sync waiting: no more are begun."""
    answers: dict[str, BatchDetail | None] = {}
    enough = threading.Event()

    def ask(batch_id: str) -> None:
        if enough.is_set():
            return
        try:
            answers[batch_id] = client.batch(batch_id)
        except (ProviderError, OrgError) as error:
            log.info("batch_look_up_failed", batch=batch_id, code=error.code)
            answers[batch_id] = None
            if not isinstance(error, ProviderRefused):
                enough.set()

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch")
    asked = [pool.submit(copy_context().run, ask, each) for each in batch_ids]
    done, _ = wait(asked, timeout=SECONDS)
    enough.set()
    pool.shutdown(wait=False, cancel_futures=True)
    for each in done:
        each.result()
    log.info("batches_looked_up", wanted=len(batch_ids), asked=len(answers))
    return dict(answers)


@dataclass(slots=True)
class Stock:
    """What all shelves listed. Rows that have expired are no longer sellable. ``quarantined`` are
    items with a row that could not be read, ``unreadable_ids`` counts rows of nobody knows what."""

    rows: list[InventoryRow] = field(default_factory=list)
    batches: list[BatchStock] = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)
    unreadable_ids: int = 0


def list_stock(
    session: Session, records: StreamRecords, shelves: Sequence[PosLocation], book: BatchStore
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
    session: Session, records: StreamRecords, shelf: PosLocation, stock: Stock
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


STREAM = "products"


def sync_products(
    session: Session,
    shelves: Sequence[PosLocation],
    settings: SyncSettings,
    prices: Prices,
    batches: BatchStore,
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
        problems = (problem for problem in found.problems if problem.product_id in whole)
        stream.report(problems, shelves[0].client)
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

    def report(self, problems: Iterable[Problem], client: PosClient) -> None:
        """Put the products that somebody must look after in quarantine too; one reason each."""
        first: dict[str, Problem] = {}
        for problem in problems:
            first.setdefault(problem.product_id, problem)
        self.records.tally.quarantined += len(first)
        self.records.quarantine(
            Rejected(p.product_id, p.code, p.message, client.raw_product(p.product_id))
            for p in first.values()
        )

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
