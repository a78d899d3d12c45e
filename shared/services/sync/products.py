"""The products stream: the stock of every location, summed to products; what is gone is removed.

Rows are listed per location; doubtful batches are looked up one by one (best effort). A product is
known only when every row of it is, so nothing is stored before all is listed. What no location
lists any more is removed by the rules of domain/removal.py, and so is what has no name any more.
"""

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import structlog

from shared.domain.catalogue import Problem, Product, products_from_rows
from shared.domain.inventory import (
    BatchDetail,
    BatchStock,
    InventoryRow,
    batches_in,
    batches_to_look_up,
    in_known_areas,
    items_missing_batches,
    with_known_expiry,
    without_expired,
)
from shared.domain.removal import AllowedRemovals, Decision, decide, removal_id
from shared.errors import CredentialsRejected, OrgError, ProviderError, ProviderRefused
from shared.pos.port import PosClient, Rejected
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.gone import held_removal
from shared.services.sync.pos_locations import OpenOrg, PosLocation
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.sales import Prices
from shared.services.sync.session import Session
from shared.store import paths, products
from shared.store.database import Write
from shared.store.inventory import BatchStore
from shared.store.manifest import ANNOUNCED, STORED

STREAM = "products"
LOOK_UPS = 100
"""Batches looked up in one run at the most."""
AT_ONCE = 8
LISTED_EVERY = timedelta(days=1)
"""How often a stock is listed whole of which nothing changed."""
LOOK_UP_SECONDS = 20.0
"""Look-ups that take longer are not waited for."""

log = structlog.get_logger(__name__)


def sync_products(
    session: Session, org: OpenOrg, prices: Prices, batches: BatchStore, *, allowed: AllowedRemovals
) -> None:
    """Store every product that changed and remove those that are gone. Raises what the listing
    raises, before anything is stored. Nothing is listed where every account says that nothing has
    changed since."""
    records = StreamRecords(session, STREAM)
    known = KnownStock(session, org)
    if allowed == AllowedRemovals() and known.is_current(records):
        return
    check = AccountCheck(session, org.accounts)
    stock = list_stock(session, records, org.locations, batches, check)
    found = products_from_rows(
        stock.rows,
        location_ids_in_order=[location.location_id for location in org.locations],
        markups=org.settings.markups,
    )
    # A sum over half its rows would be wrong: such a product stays as it was.
    left_out = set(stock.quarantined)
    with session.lock:
        stored = records.may_be_stored()
        nameless = {product.id for product in found.products if not product.name}
        listed = {product.id for product in found.products} - nameless
        gone = sorted(stored - listed - stock.quarantined)
        removal_of = removal_id(session.provider, STREAM, gone)
        removal = decide(
            listed=len(stock.rows),
            stored=len(stored),
            gone=len(gone),
            unreadable=stock.unreadable_ids,
            max_delete_percent=org.settings.max_delete_percent,
            allowed=allowed.cover(removal_of),
        )
        held = removal.decision is Decision.HOLD
        if held:
            left_out |= items_missing_batches(batches.all(), stock.batches)
        problems = [p for p in found.problems if p.product_id not in left_out]
        left_out |= nameless
        whole = {product.id: product for product in found.products if product.id not in left_out}
        _report(records, problems, org.locations[0].client)
        _store(session, records, prices, whole, provider=org.locations[0].client.provider)
        hold = held_removal(removal.reason, removal_of, gone, proven=bool(stock.rows))
        session.hold(STREAM, hold if held else None)
        if not held:
            session.run.warn(map(_no_stock, stock.without))
        if removal.decision is Decision.REMOVE:
            _remove(session, records, prices, gone)
        if not held:
            batches.put(stock.batches)
        if removal.decision in (Decision.NOTHING_GONE, Decision.REMOVE):
            batches.keep_only(stock.batches)
        records.release_others()
        if not (held or stock.without or stock.quarantined or stock.unreadable_ids):
            known.keep()


class KnownStock:
    """Up to which versions the lists of the accounts' stock are stored, where they have any. Kept
    for these locations and markups: with others the same lists make other products."""

    def __init__(self, session: Session, org: OpenOrg) -> None:
        self._session = session
        self._progress = session.progress
        self._accounts = {
            each.client.changes.account: each.client.changes
            for each in org.accounts
            if each.client.changes
        }
        self._numbered = len(self._accounts) == len(org.accounts)
        meant = (
            [each.location_id for each in org.locations],
            sorted(map(str, org.settings.markups.items())),
        )
        self._of = hashlib.blake2b(repr(meant).encode(), digest_size=8).hexdigest()

    def is_current(self, records: StreamRecords) -> bool:
        """Ask the accounts. False where the whole was not listed for a day, or not since a run that
        is to write everything again."""
        listed_at = self._progress.listed_whole_at.get(self._key)
        if listed_at is None or self._session.now() - listed_at >= LISTED_EVERY:
            return False
        for name, changes in self._accounts.items():
            answer = changes.stock_changed(self._versions(name))
            with self._session.lock:
                records.tally.requests += answer.requests
            if answer.value:
                return False
        return True

    def keep(self) -> None:
        """Everything that the accounts have listed is stored. To be used under the session's
        lock."""
        if not self._numbered:
            return
        self._progress.forget_versions(STREAM)
        for name, changes in self._accounts.items():
            for what, version in changes.stock_versions().items():
                self._progress.versions[f"{self._key} {name} {what}"] = version
        self._progress.listed_whole_at[self._key] = self._session.now()

    @property
    def _key(self) -> str:
        return f"{STREAM} {self._of}"

    def _versions(self, account: str) -> dict[str, int]:
        beginning = f"{self._key} {account} "
        return {
            key.removeprefix(beginning): version
            for key, version in self._progress.versions.items()
            if key.startswith(beginning)
        }


def _no_stock(location: PosLocation) -> str:
    return (
        f"The POS lists no stock at all for its location {location.location_id}: see whether"
        f" posConfig.locationId of location {location.document_id} is right."
    )


def _report(records: StreamRecords, problems: Iterable[Problem], client: PosClient) -> None:
    """Put products that a person must correct in quarantine too, each with its first problem."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.product_id, problem)
    records.tally.quarantined += len(first)
    records.quarantine(
        Rejected(p.product_id, p.code, p.message, client.raw_product(p.product_id))
        for p in first.values()
    )


def _store(
    session: Session,
    records: StreamRecords,
    prices: Prices,
    found: Mapping[str, Product],
    *,
    provider: str,
) -> None:
    changed = records.changed(
        Record(product.id, products.fields_of(product, session.org_id, provider))
        for product in found.values()
    )
    merchant = _merchant_fields(
        session, records, changed, pictures=any(each.image_url for each in found.values())
    )
    records.announce(changed)

    def put(change: Changed) -> list[Write]:
        product = found[change.record.id]
        sale = prices.sales.fields(product)
        writes = products.put(
            session.org_id,
            dict(change.record.fields),
            now=session.now(),
            merchant=merchant.get(product.id, {}),
            sale=sale,
        )
        return [*writes, *prices.written(product, sale)]

    listed = {change.record.id: prices.listed.get(change.record.id) for change in changed}

    def undo(change: Changed) -> None:
        prices.restore(change.record.id, listed[change.record.id])

    records.store(changed, put, undo)
    if changed:
        session.flush()  # what is refused must not be put on sale
    stored = (each for each in found.values() if records.manifest.mark(each.id) == STORED)
    prices.unchanged(each for each in stored if each.id not in listed)


def _merchant_fields(
    session: Session, records: StreamRecords, changed: Sequence[Changed], *, pictures: bool
) -> dict[str, dict[str, Any]]:
    """The merchant fields to write for each product: what one brings back to the menu, and the
    picture where the POS has another. What is on the menu is read only where the POS has pictures
    at all: many have none."""
    database, org_id, mark = session.database, session.org_id, records.manifest.mark
    there = [c.record.id for c in changed if pictures]
    back = [c.record.id for c in changed if mark(c.record.id) != STORED]
    kept = products.merchant_fields(database, paths.products(org_id), back)
    shown = products.merchant_fields(database, paths.menu_items(org_id), there)
    found: dict[str, dict[str, Any]] = {}
    for change in changed:
        product_id, fields = change.record.id, change.record.fields
        brought = kept.get(product_id, {})
        if pictures or mark(product_id) != STORED:
            found[product_id] = brought | products.picture(fields, shown.get(product_id) or brought)
    return found


def _remove(session: Session, records: StreamRecords, prices: Prices, gone: Sequence[str]) -> None:
    menu = paths.menu_items(session.org_id)
    merchant = products.merchant_fields(session.database, menu, gone)
    for product_id in gone:
        announced = records.manifest.mark(product_id) == ANNOUNCED
        records.manifest.remove(product_id)
        if announced and product_id not in merchant:
            continue  # it never came to be stored
        kept = merchant.get(product_id, {})
        session.store(products.remove(session.org_id, product_id, now=session.now(), merchant=kept))
        prices.removed(product_id)
        records.tally.deleted += 1


@dataclass(slots=True)
class Stock:
    """What all locations listed. Expired rows are not sellable. ``quarantined`` are ids of items
    with an unreadable row, ``unreadable_ids`` counts rows whose item is not known. ``without``: the
    locations of which not a single row was listed."""

    rows: list[InventoryRow] = field(default_factory=list)
    batches: list[BatchStock] = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)
    unreadable_ids: int = 0
    without: list[PosLocation] = field(default_factory=list)


def list_stock(
    session: Session,
    records: StreamRecords,
    locations: Sequence[PosLocation],
    known: BatchStore,
    check: AccountCheck,
) -> Stock:
    """List the stock of every location; raises what the listing and the ``check`` of the accounts
    raise."""
    stock = Stock()
    look_ups = BatchLookUps(session, known)
    for location in locations:
        rows: list[InventoryRow] = []
        listed = 0
        for page in location.client.inventory(location.location_id):
            with session.lock:
                records.count_page(page, expected=0)
            rows += page.records
            listed += page.rows
            ids = [rejected.record_id for rejected in page.rejected]
            stock.unreadable_ids += ids.count(None)
            stock.quarantined.update(i for i in ids if i is not None)
        if not listed:
            stock.without.append(location)
        check.stock(location.client, rows)
        rows = _in_areas(rows, location)
        today = session.now().astimezone(location.zone).date()
        batches = look_ups.batches(rows, location.client, today)
        last_days = {batch.batch_id: batch.last_day for batch in batches if batch.last_day}
        stock.batches += batches
        stock.rows += without_expired(with_known_expiry(rows, last_days), today)
    return stock


def _in_areas(rows: list[InventoryRow], location: PosLocation) -> list[InventoryRow]:
    """The rows, sellable as their areas are. Asked for only where a row does not say itself what
    area it lies in; not every POS that speaks this API lists them."""
    if not any(row.area_id for row in rows):
        return rows
    try:
        areas = location.client.areas(location.location_id)
    except (ProviderRefused, CredentialsRejected) as error:
        log.info("areas_not_given", code=error.code)
        return rows
    return in_known_areas(rows, areas.value)


class BatchLookUps:
    """The look-ups of one run. Best effort: one that fails is not repeated for a day."""

    def __init__(self, session: Session, known: BatchStore) -> None:
        self._session = session
        self._known = {batch.batch_id: batch for batch in known.all()}
        self._left = LOOK_UPS

    def batches(
        self, rows: Iterable[InventoryRow], client: PosClient, today: date
    ) -> list[BatchStock]:
        """The batches in the rows of one location, whose own date is ``today``, with the answers
        of look-ups."""
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


def _remembered(batch: BatchStock, before: BatchStock | None) -> BatchStock:
    if before is None:
        return batch
    return replace(batch, detail=before.detail, looked_up_at=before.looked_up_at)


def _look_up(client: PosClient, batch_ids: Sequence[str]) -> dict[str, BatchDetail | None]:
    """The answer for each batch asked for, None where the POS has none. After a failed look-up no
    more are begun: they would keep the sync waiting."""
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
    done, _ = wait(asked, timeout=LOOK_UP_SECONDS)
    enough.set()
    pool.shutdown(wait=False, cancel_futures=True)
    for each in done:
        each.result()
    log.info("batches_looked_up", wanted=len(batch_ids), asked=len(answers))
    return dict(answers)
