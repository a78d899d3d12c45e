"""Which days of orders to ask the POS for, newest first, and how far that has come.

Two walks back through time cover an org's orders. The *backfill* goes once from the first run's
day down to ``ordersSince`` and may take several runs. The *recent* walk goes every run over what is
new since the last one, with an overlap, and once a day over the whole look-back window, because
orders change after they were placed. A walk asks for a window of days at a time: its place is kept
after each.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from shared.models import CamelModel

OVERLAP_DAYS = 2
"""Also covers the half day by which a POS's calendar and ours may differ."""
ROWS_AIMED_AT = 2_000
ROWS_ACCEPTED = 4_000
RECENT_ENOUGH = timedelta(minutes=10)
_DAY = timedelta(days=1)
_STORED = CamelModel.model_config


@dataclass(frozen=True, slots=True)
class DateWindow:
    """Days of a location's own calendar, both ends included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    def newest(self, days: int) -> "DateWindow":
        """The last ``days`` days of the window."""
        return replace(self, since=max(self.since, self.until - (days - 1) * _DAY))


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk from ``until`` back to ``since``. ``done_to`` is the oldest day that was listed;
    ``width`` is how many days to ask for next, None for all that are left."""

    __pydantic_config__ = _STORED

    since: date
    until: date
    started_at: datetime
    done_to: date | None = None
    width: int | None = None

    @property
    def left(self) -> DateWindow | None:
        """The days not listed yet; None when the walk has arrived."""
        until = self.done_to - _DAY if self.done_to else self.until
        return DateWindow(self.since, until) if until >= self.since else None

    @property
    def next_window(self) -> DateWindow | None:
        """The days to ask for next."""
        left = self.left
        return left.newest(self.width) if left and self.width is not None else left

    def listed(self, window: DateWindow, rows: int) -> "Walk":
        """The window was listed whole and held ``rows`` orders. Sparse days widen the next one."""
        width = self.width
        if width is not None and rows < ROWS_AIMED_AT // 2:
            width = max(width, window.days) * 4
        return replace(self, done_to=window.since, width=width)

    def narrowed(self, window: DateWindow, rows: int) -> "Walk":
        """The window turned out to hold ``rows`` orders, more than ROWS_ACCEPTED."""
        return replace(self, width=max(1, window.days * ROWS_AIMED_AT // rows))

    def halved(self, window: DateWindow) -> "Walk":
        """The window could not be listed within one invocation."""
        return replace(self, width=max(1, window.days // 2))


@dataclass(frozen=True, slots=True)
class OrderCursor:
    """Every order placed before ``head`` and on or after the backfill's ``done_to`` was listed."""

    __pydantic_config__ = _STORED

    head: datetime | None = None
    recent: Walk | None = None
    backfill: Walk | None = None
    looked_back_on: date | None = None

    def begin(
        self,
        *,
        now: datetime,
        run_started: datetime,
        today: date,
        orders_since: date,
        lookback_days: int,
    ) -> "OrderCursor":
        """The cursor with the walks an invocation at ``now`` has to go.

        A walk of which nothing was listed begins anew: it may be of days ago. A continuation
        looks for new orders again only when its run has not done so for RECENT_ENOUGH.
        """
        tomorrow = today + _DAY
        if self.head is None or self.backfill is None:
            walk = Walk(since=orders_since, until=tomorrow, started_at=now)
            return OrderCursor(head=now, backfill=walk, looked_back_on=today)
        backfill = self.backfill
        if orders_since < backfill.since and backfill.left is None:
            backfill = Walk(since=orders_since, until=backfill.since - _DAY, started_at=now)
        recent = self.recent
        looked = self.head >= run_started and now - self.head < RECENT_ENOUGH
        if (recent is None and not looked) or (recent is not None and recent.done_to is None):
            since = self.head.date() - OVERLAP_DAYS * _DAY
            if self.looked_back_on != today:
                since = min(since, today - lookback_days * _DAY)
            width = recent.width if recent else None
            recent = Walk(max(since, orders_since), tomorrow, started_at=now, width=width)
        return replace(self, recent=recent, backfill=backfill)

    def advanced(self, walk: Walk, *, orders_since: date, lookback_days: int) -> "OrderCursor":
        """The cursor after its current walk (``recent`` first) has come as far as ``walk``."""
        if self.recent is None:
            return replace(self, backfill=walk)
        if walk.left is not None:
            return replace(self, recent=walk)
        began_on = walk.until - _DAY
        whole = walk.since <= max(began_on - lookback_days * _DAY, orders_since)
        looked_back_on = began_on if whole else self.looked_back_on
        return replace(self, head=walk.started_at, recent=None, looked_back_on=looked_back_on)

    @property
    def current(self) -> Walk | None:
        """The walk to go on with; None when every order is covered."""
        if self.recent is not None:
            return self.recent
        return self.backfill if self.backfill and self.backfill.left else None
