"""The listings of an org's orders by windows of days, and what they have listed."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Self

from shared.domain.order_windows import ROWS_ACCEPTED, DateWindow, Walk
from shared.domain.orders import Order
from shared.pos.paging import ReadAhead
from shared.pos.port import Page, PosClient
from shared.services.sync.session import Session
from shared.store.tenants import SyncSettings


class OrderListings:
    """Lists the orders of an org's accounts. ``begin`` asks for those that the walk over them is to
    list first, so that they are on their way while the customers are still being listed. A context
    manager: nothing more is asked for after it."""

    def __init__(
        self, session: Session, clients: Sequence[PosClient], settings: SyncSettings, *, today: date
    ) -> None:
        self.clients = clients
        self.settings = settings
        self._session = session
        self._today = today
        self._ahead: dict[tuple[int, DateWindow], ReadAhead[Order]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._ahead.values():
            each.close()

    def begin(self) -> None:
        """Ask for the first window."""
        walk = self.walk()
        if walk and (window := walk.next_window):
            asked = self.days_of(window)
            for account, client in enumerate(self.clients):
                enough = partial(too_many, may_narrow=walk.may_narrow(window))
                self._ahead[account, asked] = ReadAhead(client.orders(asked), enough)

    def pages(self, account: int, asked: DateWindow) -> Generator[Page[Order], None, None]:
        """The orders that an account has of these days."""
        ahead = self._ahead.pop((account, asked), None)
        return iter(ahead) if ahead else self.clients[account].orders(asked)

    def walk(self) -> Walk | None:
        """The walk to go on with. One that an earlier run left is followed by one of this run's
        own: what is new since must not wait for the next."""
        session = self._session
        session.progress.orders = session.progress.orders.begin(
            now=session.now(),
            run_started=session.run.started_at,
            today=self._today,
            orders_since=self.settings.orders_since,
            lookback_days=self.settings.lookback_days,
        )
        return session.progress.orders.current

    def days_of(self, window: DateWindow) -> DateWindow:
        """The days to ask for, to list a window of the current walk."""
        return window.with_next_day if self._session.progress.orders.in_sweep else window


def too_many(page: Page[Order], *, may_narrow: bool) -> bool:
    """Whether a window that may be narrowed is to be, by the first page of its orders."""
    return may_narrow and page.number == 1 and (page.total or 0) > ROWS_ACCEPTED


@dataclass(slots=True)
class ListedOrders:
    """What a window has listed: ids of its orders, how many rows, how many without an id, and how
    many were created at ``over_at`` or after, when the window is over."""

    over_at: datetime
    ids: set[str] = field(default_factory=set)
    rows: int = 0
    unreadable: int = 0
    later: int = 0

    def add(self, page: Page[Order]) -> None:
        """Add the next page."""
        self.rows += page.rows
        self.ids.update(order.id for order in page.records)
        self.later += sum(1 for order in page.records if order.created_at >= self.over_at)
        for rejected in page.rejected:
            if rejected.record_id is None:
                self.unreadable += 1
            else:
                self.ids.add(rejected.record_id)
