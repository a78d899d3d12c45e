"""The orders stream: what is new since the last run, then what is left of the backfill."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from shared.clock import OutOfTime
from shared.domain.order_matching import CustomerDirectory, SkipReason, match_orders
from shared.domain.order_windows import ROWS_ACCEPTED, DateWindow, Walk
from shared.domain.orders import Order
from shared.pos.port import Page, PosClient
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import orders
from shared.store.database import Write
from shared.store.manifest import SKIPPED
from shared.store.orders import SkippedOrders
from shared.store.tenants import SyncSettings

STREAM = "orders"
SKIPPED_PER_CHECKPOINT = 200
"""Skipped orders are committed with the checkpoint: so many more documents leave it below the 500
of a commit."""


def sync_orders(
    session: Session,
    clients: Sequence[PosClient],
    directory: CustomerDirectory,
    settings: SyncSettings,
    check: AccountCheck,
    *,
    today: date,
) -> None:
    """Walk the org's orders, newest first, keeping the place after each window of days.

    Raises what the ``check`` of the accounts raises, before anything of the page is stored, and
    OutOfTime when the deadline passes; the next invocation goes on from there. Each begins at least
    one window: where all its time goes by before, the run would never get anywhere.
    """
    stream = OrderStream(session, directory)
    begun = False
    while (walk := _walk(session, today, settings)) and (window := walk.next_window):
        if begun:
            session.deadline.check()
        begun = True
        try:
            after = stream.sync_window(clients, walk, window, check)
        except OutOfTime:
            after = walk.halved(window)
            _advance(session, after, settings)
            raise
        _advance(session, after, settings)


def _walk(session: Session, today: date, settings: SyncSettings) -> Walk | None:
    """The walk to go on with. One that an earlier run left is followed by one of this run's own:
    what is new since must not wait for the next."""
    session.progress.orders = session.progress.orders.begin(
        now=session.now(),
        run_started=session.run.started_at,
        today=today,
        orders_since=settings.orders_since,
        lookback_days=settings.lookback_days,
    )
    return session.progress.orders.current


def _advance(session: Session, walk: Walk, settings: SyncSettings) -> None:
    with session.lock:
        session.progress.orders = session.progress.orders.advanced(
            walk, orders_since=settings.orders_since, lookback_days=settings.lookback_days
        )
        session.checkpoint_if_due()


class OrderStream:
    """Stores orders, each with the customer it belongs to, and why the others were skipped."""

    def __init__(self, session: Session, directory: CustomerDirectory) -> None:
        self._session = session
        self._directory = directory
        self._records = StreamRecords(session, STREAM)
        self._skipped = SkippedOrders(session.org_id, self._records.manifest)
        session.keep(self._skipped)

    def sync_window(
        self,
        clients: Sequence[PosClient],
        walk: Walk,
        window: DateWindow,
        check: AccountCheck,
    ) -> Walk:
        """List a window; the walk behind it, or with a narrower one if it holds too many."""
        rows = 0
        for account, client in enumerate(clients):
            pages = client.orders(window)
            for page in pages:
                total = page.total or 0
                if page.number == 1 and total > ROWS_ACCEPTED and window.days > 1:
                    pages.close()
                    return walk.narrowed(window, total)
                rows += page.rows
                with self._session.lock:
                    check.orders(account, page.records)
                    self.store_page(page, expected=total)
                    self._session.checkpoint_if_due()
                if not page.last:
                    self._session.deadline.check()
        return walk.listed(window, rows)

    def store_page(self, page: Page[Order], *, expected: int | None) -> None:
        """Store the page's orders that match a customer, skip the others. ``expected`` as in
        StreamRecords.count_page."""
        records = self._records
        records.count_page(page, expected=expected)
        matches = match_orders(page.records, self._directory)
        owner = matches.customer_ids
        for order in page.records:
            if reason := matches.skipped.get(order.external_id):
                self._skip(order, reason)
        changed = records.changed(
            Record(
                order.id,
                orders.fields_of(order, owner[order.external_id], self._session.org_id),
                customer_id=owner[order.external_id],
                version=order.version,
            )
            for order in page.records
            if order.external_id in owner
        )
        before = self._before(changed)
        newer = records.newer(changed, {i: b.updated_at for i, b in before.items()})
        # An order may have moved from one customer to another: both must be recomputed.
        self._session.add_pending_recompute(_losers(newer, before))
        records.store(newer, self._put)

    def _skip(self, order: Order, reason: SkipReason) -> None:
        """Count the order as skipped and keep why. One that was stored stays as it was."""
        session, tally = self._session, self._records.tally
        tally.skipped += 1
        tally.skipped_reasons[reason.value] = tally.skipped_reasons.get(reason.value, 0) + 1
        if self._records.manifest.mark(order.id) in (None, SKIPPED):
            self._skipped.add(order, reason, run_id=session.run_id, now=session.now())
            if len(self._skipped) >= SKIPPED_PER_CHECKPOINT:
                session.checkpoint()

    def _put(self, change: Changed) -> list[Write]:
        session, order_id = self._session, change.record.id
        put = orders.put(session.org_id, dict(change.record.fields), run_id=session.run_id)
        return [put, *self._skipped.withdraw(order_id)]

    def _before(self, changed: Sequence[Changed]) -> dict[str, orders.StoredOrder]:
        session = self._session
        known = [change.record.id for change in changed if not change.first]
        return orders.read_stored(session.database, session.org_id, known)


def _losers(changed: Iterable[Changed], before: Mapping[str, orders.StoredOrder]) -> set[str]:
    """Customers whose order will be another's."""
    return {
        known.customer_id
        for change in changed
        if (known := before.get(change.record.id))
        and known.customer_id != change.record.customer_id
    }
