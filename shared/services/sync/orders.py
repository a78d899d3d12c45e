"""The orders stream: what is new since the last run, a slice of what is older, then what is left of
the backfill. Where a window lists fewer than are stored of its days, the rest is looked up.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import structlog

from shared.clock import OutOfTime
from shared.domain.erasure import ERASED
from shared.domain.notifications import NEW_ECOM_ORDER, is_news
from shared.domain.order_matching import CustomerDirectory, SkipReason, match_orders
from shared.domain.order_windows import DateWindow, Walk
from shared.domain.orders import Order, external_id_of
from shared.pos.port import Page, PosClient
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.gone import MissingRecords, RemovalRules, of_first_account
from shared.services.sync.order_listings import ListedOrders, OrderListings, too_many
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import orders, paths
from shared.store.database import Remove, Write
from shared.store.manifest import ANNOUNCED, REMOVED, SKIPPED, STORED
from shared.store.orders import SkippedOrders

STREAM = "orders"
LEARNT_AT_ONCE = 300
"""Stored orders, of which a manifest of an earlier version does not say when they were created,
that are read in one run at the most."""
SKIPPED_PER_CHECKPOINT = 200
"""Skipped orders are committed with the checkpoint: so many more documents leave it below the 500
of a commit."""

log = structlog.get_logger(__name__)


def sync_orders(
    session: Session,
    listings: OrderListings,
    directory: CustomerDirectory,
    check: AccountCheck,
    rules: RemovalRules,
    notify: Collection[str] = (),
) -> None:
    """Walk the org's orders, newest first, keeping the place after each window of days, and mark
    those that the POS has no more.

    Raises what the ``check`` of the accounts raises, before anything of the page is stored, and
    OutOfTime when the deadline passes; the next invocation goes on from there. Each begins at least
    one window: where all its time goes by before, the run would never get anywhere.
    """
    stream = OrderStream(session, directory, notify)
    comparison = StoredOrders(session, stream, rules)
    begun = False
    while (walk := listings.walk()) and (window := walk.next_window):
        if begun:
            session.deadline.check()
        begun = True
        try:
            after = _sync_window(session, listings, stream, comparison, check, walk, window)
        except OutOfTime:
            _advance(session, walk.halved(window))
            raise
        if session.progress.orders.in_sweep and after.done_to == listings.settings.orders_since:
            comparison.learn_created()
        _advance(session, after)
    with session.lock:
        stream.records.release_unmet()
    comparison.settle(listings.clients)


def _sync_window(
    session: Session,
    listings: OrderListings,
    stream: "OrderStream",
    comparison: "StoredOrders",
    check: AccountCheck,
    walk: Walk,
    window: DateWindow,
) -> Walk:
    """List a window of the current walk and compare it with what is stored; the walk behind it,
    or with a narrower one if it holds too many."""
    cursor = session.progress.orders
    asked = listings.days_of(window)
    listed = ListedOrders(asked.surely_over_at)
    for account in range(len(listings.clients)):
        pages = listings.pages(account, asked)
        checked = partial(check.orders, account)
        may_narrow = walk.may_narrow(window)
        total = stream.store_pages(pages, listed, checked, may_narrow=may_narrow)
        if total is not None:
            return walk.narrowed(window, total)
    if not cursor.in_backfill:
        with session.lock:
            comparison.compare(asked, listed)
    after = walk.listed(window, listed.rows, later=listed.later)
    if after.open_ended and not walk.open_ended:
        log.warning("window_end_ignored", rows=listed.rows, later=listed.later)
    return after


def _advance(session: Session, walk: Walk) -> None:
    with session.lock:
        session.progress.orders = session.progress.orders.advanced(walk)
        session.checkpoint_if_due()


class OrderStream:
    """Stores orders, each with the customer it belongs to, and why the others were skipped.
    ``notify`` is what the org asks to hear of."""

    def __init__(
        self, session: Session, directory: CustomerDirectory, notify: Collection[str] = ()
    ) -> None:
        self._session = session
        self._notify = notify
        self._directory = directory
        self.records = StreamRecords(session, STREAM)
        self._skipped = SkippedOrders(session.org_id, self.records.manifest)
        self._counted: set[str] = set()

    def store_pages(
        self,
        pages: Generator[Page[Order], None, None],
        listed: ListedOrders,
        check: Callable[[Iterable[Order]], None],
        *,
        may_narrow: bool,
    ) -> int | None:
        """Store the orders of a window, a page at a time once ``check`` has let it pass, and add
        them to ``listed``; one that another account has listed is that one's. Where it is to be
        narrowed, which it ``may_narrow``, nothing is stored: how many orders it has."""
        others = frozenset(listed.ids)
        for page in pages:
            if too_many(page, may_narrow=may_narrow):
                pages.close()
                return page.total
            listed.add(page)
            with self._session.lock:
                check(page.records)
                own = tuple(order for order in page.records if order.id not in others)
                self.store_page(replace(page, records=own), expected=page.total or 0)
                self._session.checkpoint_if_due()
            if not page.last:
                self._session.deadline.check()
        return None

    def store_page(self, page: Page[Order], *, expected: int | None) -> None:
        """Store the page's orders that match a customer, skip the others. ``expected`` as in
        StreamRecords.count_page."""
        records = self.records
        records.count_page(page, expected=expected)
        matches = match_orders(page.records, self._directory)
        owner = matches.customer_ids
        self._look_for(o.id for o in page.records if o.external_id in matches.skipped)
        for order in page.records:
            if reason := matches.skipped.get(order.external_id):
                self._skip(order, reason)
        changed = records.changed(
            Record(
                order.id,
                orders.fields_of(order, owner[order.external_id], self._session.org_id),
                customer_id=_spender(owner[order.external_id]),
                version=order.version,
            )
            for order in page.records
            if order.external_id in owner
        )
        before = self._before(changed)
        newer = records.newer(changed, {i: b.version for i, b in before.items()})
        # An order may have moved from one customer to another: both must be recomputed.
        self._session.add_pending_recompute(_losers(newer, before))
        self._note_news(page.records, newer)
        by_id, ecom = {order.id: order for order in page.records}, self._session.ecom
        ecom.note_sales(by_id[change.record.id] for change in newer)
        records.store(newer, partial(self._put, before), lambda c: ecom.forget_sale(c.record.id))
        self._in_quarantine(r.record_id for r in page.rejected if r.record_id)
        self._in_quarantine(order.id for order in page.records)
        for order in page.records:
            records.manifest.listed(order.id, order.created_at)

    def _note_news(self, records: Iterable[Order], stored: Sequence[Changed]) -> None:
        """Have the org told of those of the orders that are stored first now and are news."""
        first = {change.record.id for change in stored if change.first}
        if NEW_ECOM_ORDER in self._notify and first:
            now = self._session.now()
            news = (order.id for order in records if order.id in first and is_news(order, now))
            self._session.add_pending_notifications(news)

    def _look_for(self, order_ids: Iterable[str]) -> None:
        """Find out of orders that may be stored, as a worker has died, whether they are."""
        manifest = self.records.manifest
        unknown = [i for i in order_ids if manifest.mark(i) == ANNOUNCED]
        found = orders.read_stored(self._session.database, self._session.org_id, unknown)
        for order_id in unknown:
            if order_id in found:
                manifest.presume_stored(order_id)
            else:
                manifest.drop_entry(order_id)

    def _skip(self, order: Order, reason: SkipReason) -> None:
        """Count the order as skipped and keep why. One that was stored stays as it was."""
        session, tally = self._session, self.records.tally
        self.records.release(order.id)
        if order.id not in self._counted:  # windows overlap
            self._counted.add(order.id)
            tally.skipped += 1
            tally.skipped_reasons[reason.value] = tally.skipped_reasons.get(reason.value, 0) + 1
        if self.records.manifest.mark(order.id) in (None, SKIPPED, REMOVED):
            self._skipped.add(order, reason, run_id=session.run_id, now=session.now())
            if len(self._skipped) >= SKIPPED_PER_CHECKPOINT:
                session.checkpoint()

    def _in_quarantine(self, order_ids: Iterable[str]) -> None:
        """Those of the orders that are in quarantine are no longer skipped."""
        manifest = self.records.manifest
        for order_id in order_ids:
            if manifest.mark(order_id) == SKIPPED and manifest.quarantined(order_id) is not None:
                writes = self.withdraw(order_id)
                manifest.drop_entry(order_id)
                self._session.store(writes)

    def withdraw(self, order_id: str) -> list[Remove]:
        """The writes after which nothing says that the order is skipped."""
        return self._skipped.withdraw(order_id)

    def _put(self, before: Mapping[str, orders.StoredOrder], change: Changed) -> list[Write]:
        session, order_id = self._session, change.record.id
        known = before.get(order_id)
        put = orders.put(
            session.org_id,
            change.record.fields,
            run_id=session.run_id,
            stored=known.status if known else None,
        )
        return [put, *self._skipped.withdraw(order_id)]

    def _before(self, changed: Sequence[Changed]) -> dict[str, orders.StoredOrder]:
        """What is stored of the changed orders, those of a moment ago included: no reads for those
        that are new."""
        session, manifest = self._session, self.records.manifest
        known = [c.record.id for c in changed if manifest.may_have_document(c.record.id)]
        session.flush_documents(f"{paths.orders(session.org_id)}/{i}" for i in known)
        return orders.read_stored(session.database, session.org_id, known)


def _losers(changed: Iterable[Changed], before: Mapping[str, orders.StoredOrder]) -> set[str]:
    """Customers whose order will be another's."""
    return {
        known.customer_id
        for change in changed
        if (known := before.get(change.record.id))
        and known.customer_id not in (ERASED, change.record.customer_id)
    }


def _spender(customer_id: str) -> str | None:
    """Whose spending an order changes: nobody's where its customer was erased."""
    return None if customer_id == ERASED else customer_id


class StoredOrders:
    """The stored orders, to be compared with what windows of days list. To be used under the
    session's lock but for ``settle``."""

    def __init__(self, session: Session, stream: OrderStream, rules: RemovalRules) -> None:
        self._session = session
        self._stream = stream
        self._manifest = stream.records.manifest
        self.missing = MissingRecords(session, stream.records, rules)
        self._by_moment: list[tuple[float, str]] | None = None

    def compare(self, window: DateWindow, listed: ListedOrders) -> None:
        """Note the orders of a window that was listed whole which the list lacks."""
        since, until = (moment.timestamp() for moment in window.surely_holds)
        if self._by_moment is None:  # orders stored since then were listed since then
            known = ((at, order_id) for order_id, at in self._manifest.created() if at is not None)
            self._by_moment = sorted(known)
        first, end = (bisect_left(self._by_moment, (at, "")) for at in (since, until))
        kept = (STORED, SKIPPED)
        stored = {i for _, i in self._by_moment[first:end] if self._manifest.mark(i) in kept}
        gone = stored - listed.ids - self.missing.to_look_up
        unreadable = listed.unreadable
        self.missing.note(gone, listed=listed.rows, stored=len(stored), unreadable=unreadable)

    def learn_created(self) -> None:
        """After a sweep of all days: note when those orders were created, by their documents, that
        no window has listed, nor does the manifest of an earlier version say so. The next round
        finds out whether they are gone."""
        mark = self._manifest.mark
        unknown = (i for i, at in self._manifest.created() if at is None and mark(i) != SKIPPED)
        ids = list(islice(unknown, LEARNT_AT_ONCE))
        found = orders.read_stored(self._session.database, self._session.org_id, ids) if ids else {}
        with self._session.lock:
            for order_id in ids:
                if order_id not in found and mark(order_id) == ANNOUNCED:
                    self._manifest.drop_entry(order_id)
            for order_id, stored in found.items():
                self._manifest.presume_stored(order_id)
                self._manifest.set_created(order_id, stored.created_at)

    def settle(self, clients: Sequence[PosClient]) -> None:
        """Look up what is missing, and what was skipped for want of a customer who is stored by
        now; store what is found, mark the rest as removed."""
        with self._session.lock:
            self._look_up_waiting()
        look_up = partial(of_first_account, clients, lambda client, i: client.order(i))
        self.missing.settle(
            lambda order_id: look_up(external_id_of(order_id)),
            lambda page: self._stream.store_page(page, expected=None),
            self._remove,
        )

    def _look_up_waiting(self) -> None:
        """Have skipped orders looked up whose customer some run has stored since: the POS may list
        them only with the days they are of, or not at all before they change."""
        customers = self._session.manifests["customers"]
        found = [i for i, named in self._manifest.waiting() if customers.mark(named) == STORED]
        held = frozenset(self._manifest.missing(held=True) if found else ())
        for order_id in found:
            if order_id not in held:
                self._manifest.miss(order_id, held=False)

    def _remove(self, ids: Sequence[str]) -> None:
        """Mark orders as removed; they leave their customers' spending with the recompute. Of one
        that was skipped nothing is kept."""
        session = self._session
        session.store(w for order_id in ids for w in self._stream.withdraw(order_id))
        found = orders.read_stored(session.database, session.org_id, ids)
        now, run_id = session.now(), session.run_id
        session.store(
            [orders.mark_removed(session.org_id, i, run_id=run_id, now=now) for i in sorted(found)],
            customer_ids={stored.customer_id for stored in found.values()},
        )
