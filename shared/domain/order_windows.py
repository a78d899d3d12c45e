"""Which days of orders to ask the POS for, newest first, and how far that has come.

A POS can be asked for orders by their day alone, not for those that changed. Four walks back
through time cover an org's orders. The *backfill* goes once from the first run's day down to
``ordersSince`` and may take several runs. The *recent* walk goes every run over what is new since
the last one, with an overlap. Two sweeps find what changed, came or went later: *near* goes round
the look-back window within a day, *far* round everything older within a week. Every SLICE_EVERY a
run goes a slice of each: the days that are due by the time since the last. A walk asks for a
window of days at a time: its place is kept after each.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from shared.models import CamelModel

OVERLAP_DAYS = 2
"""Also covers the half day by which a POS's calendar and ours may differ."""
ROWS_AIMED_AT = 2_000
ROWS_ACCEPTED = 4_000
WIDEST_DAYS = 36_525
RECENT_ENOUGH = timedelta(minutes=10)
NEAR_PERIOD = timedelta(hours=20)
"""In which the near sweep goes round: less than a day by what a few late runs may take."""
FAR_PERIOD = timedelta(days=6)
"""The same for the far sweep, whose promise is a week."""
SLICE_EVERY = timedelta(hours=2, minutes=30)
"""A slice is a call more at least: most runs make none."""
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
        return replace(self, since=self.until - (min(days, self.days) - 1) * _DAY)

    @property
    def with_next_day(self) -> "DateWindow":
        """The window and the day after it. Windows asked for like this, one behind the other,
        leave no moment between them that neither ``surely_holds``."""
        return replace(self, until=self.until + _DAY)

    @property
    def surely_holds(self) -> tuple[datetime, datetime]:
        """From when to when (aware UTC, the end excluded) an order was created that lies within
        the window, whichever calendar, within half a day of UTC, the POS goes by."""
        return (
            datetime.combine(self.since, time(12), UTC),
            datetime.combine(self.until, time(12), UTC),
        )

    @property
    def surely_over_at(self) -> datetime:
        """From when on (aware UTC) an order was created after the window, whichever calendar the
        POS goes by, with a day to spare for a time zone that is set wrong."""
        return datetime.combine(self.until + 2 * _DAY, time(12), UTC)


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk from ``until`` back to ``since``. ``done_to`` is the oldest day that was listed;
    ``width`` is how many days to ask for next, None for all that are left. ``open_ended``: the POS
    lists what was created after a window along with it."""

    __pydantic_config__ = _STORED

    since: date
    until: date
    started_at: datetime
    done_to: date | None = None
    width: int | None = None
    open_ended: bool = False

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

    def may_narrow(self, window: DateWindow) -> bool:
        """Whether fewer days may hold fewer orders."""
        return window.days > 1 and not self.open_ended

    def listed(self, window: DateWindow, rows: int, *, later: int = 0) -> "Walk":
        """The window was listed whole and held ``rows`` orders, ``later`` of them created after it.
        Sparse days widen the next one. Where most are later the POS ignores the end of a window:
        each would list all newer orders again, so that all that is left is the next one."""
        if 2 * later > rows >= ROWS_AIMED_AT and not self.open_ended:
            return replace(self, done_to=window.since, width=None, open_ended=True)
        width = self.width
        if width is not None and rows < ROWS_AIMED_AT // 2:
            width = min(max(width, window.days) * 4, WIDEST_DAYS)
        return replace(self, done_to=window.since, width=width)

    def narrowed(self, window: DateWindow, rows: int) -> "Walk":
        """The window turned out to hold ``rows`` orders, more than ROWS_ACCEPTED."""
        return replace(self, width=max(1, window.days * ROWS_AIMED_AT // rows))

    def halved(self, window: DateWindow) -> "Walk":
        """The window could not be listed within one invocation."""
        return replace(self, width=max(1, window.days // 2))


@dataclass(frozen=True, slots=True)
class Sweep:
    """Goes round and round a range of days, newest to oldest, at an even pace. ``slice`` is the
    last part of it, under way or listed; ``caught_up_at`` the moment up to which no days are due
    behind it."""

    __pydantic_config__ = _STORED

    caught_up_at: datetime
    slice: Walk | None = None

    @property
    def under_way(self) -> Walk | None:
        """The slice that is not listed whole yet."""
        return self.slice if self.slice and self.slice.left else None

    def due(self, span: DateWindow, *, period: timedelta, at: datetime) -> int:
        """How many of the ``span``'s days are to be listed by a run of that moment: their share of
        the time since the last slice, none while that is less than SLICE_EVERY."""
        waited = at - self.caught_up_at
        return min(span.days, -(-span.days * waited // period)) if waited >= SLICE_EVERY else 0

    def begin(
        self, span: DateWindow, *, period: timedelta, run_started: datetime, now: datetime
    ) -> "Sweep":
        """The sweep with the next slice under way, if one is due. A slice ends where the range
        does: the days that are due beyond it are the next slice, in the same run."""
        due = self.due(span, period=period, at=run_started)
        if self.under_way or span.days < 1 or not due:
            return self
        until = self.slice.since - _DAY if self.slice else span.until
        if not span.since <= until <= span.until:
            until = span.until
        window = replace(span, until=until).newest(due)
        caught_up_at = run_started - (due - window.days) * period / span.days
        walk = Walk(window.since, window.until, started_at=now)
        if self.slice:
            walk = replace(walk, width=self.slice.width, open_ended=self.slice.open_ended)
        return Sweep(caught_up_at, walk)


@dataclass(frozen=True, slots=True)
class OrderCursor:
    """Every order placed before ``head`` and on or after the backfill's ``done_to`` was listed."""

    __pydantic_config__ = _STORED

    head: datetime | None = None
    recent: Walk | None = None
    backfill: Walk | None = None
    near: Sweep | None = None
    far: Sweep | None = None

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

        A recent walk of which nothing was listed begins anew: it may be of days ago. A continuation
        looks for new orders again only when its run has not done so for RECENT_ENOUGH, and goes
        no more slices than those that were due when its run began.
        """
        tomorrow = today + _DAY
        if self.head is None or self.backfill is None:
            walk = Walk(since=orders_since, until=tomorrow, started_at=now)
            return OrderCursor(head=now, backfill=walk, near=Sweep(now), far=Sweep(now))
        backfill = self.backfill
        if orders_since < backfill.since and backfill.left is None:
            backfill = Walk(since=orders_since, until=backfill.since - _DAY, started_at=now)
        recent = self.recent
        looked = self.head >= run_started and now - self.head < RECENT_ENOUGH
        if (recent is None and not looked) or (recent is not None and recent.done_to is None):
            since = self.head.date() - OVERLAP_DAYS * _DAY
            width = recent.width if recent else None
            recent = Walk(max(since, orders_since), tomorrow, started_at=now, width=width)
        oldest_near = max(orders_since, today - lookback_days * _DAY)
        # Cursors of earlier versions have no sweeps: the near one is due whole, as a look-back may
        # be; the far one begins, or all orgs' would in the same hour.
        near = (self.near or Sweep(run_started - NEAR_PERIOD)).begin(
            DateWindow(oldest_near, today - OVERLAP_DAYS * _DAY),
            period=NEAR_PERIOD,
            run_started=run_started,
            now=now,
        )
        far = self.far or Sweep(run_started)
        if backfill.left is None:
            span = DateWindow(orders_since, oldest_near - _DAY)
            far = far.begin(span, period=FAR_PERIOD, run_started=run_started, now=now)
        return replace(self, recent=recent, backfill=backfill, near=near, far=far)

    def advanced(self, walk: Walk) -> "OrderCursor":
        """The cursor after its current walk has come as far as ``walk``."""
        if self.recent is not None:
            if walk.left is not None:
                return replace(self, recent=walk)
            return replace(self, head=walk.started_at, recent=None)
        if self.near and self.near.under_way:
            return replace(self, near=replace(self.near, slice=walk))
        if self.backfill and self.backfill.left:
            return replace(self, backfill=walk)
        assert self.far is not None
        return replace(self, far=replace(self.far, slice=walk))

    @property
    def current(self) -> Walk | None:
        """The walk to go on with; None when every order is covered."""
        if self.recent is not None:
            return self.recent
        if self.near and self.near.under_way:
            return self.near.under_way
        if self.backfill and self.backfill.left:
            return self.backfill
        return self.far.under_way if self.far else None

    @property
    def in_backfill(self) -> bool:
        """Whether the current walk is the backfill: nothing of its days was listed before."""
        return self.current is not None and self.current is self.backfill

    @property
    def in_sweep(self) -> bool:
        """Whether the current walk is a slice of a sweep."""
        return self.current is not None and not self.recent and not self.in_backfill
