"""Going round the days of an org's orders, so that late changes are seen within a known time."""

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.domain.order_windows import (
    FAR_PERIOD,
    NEAR_PERIOD,
    OVERLAP_DAYS,
    SLICE_EVERY,
    DateWindow,
    OrderCursor,
    Sweep,
    Walk,
)

EXAMPLES = 60 if os.environ.get("LONG") else 8
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
LOOKBACK = 90
SINCE = TODAY - timedelta(days=900)
HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)


class Runs:
    """Runs of one org; when each of its days was last listed, and how many days they listed."""

    def __init__(self, now: datetime = NOW, *, since: date = SINCE) -> None:
        self.now = now
        self.since = since
        self.cursor = OrderCursor()
        self.seen: dict[date, datetime] = {}
        self.days_listed = 0
        self.run()

    def begin(self, started: datetime) -> None:
        self.cursor = self.cursor.begin(
            now=self.now,
            run_started=started,
            today=self.now.date(),
            orders_since=self.since,
            lookback_days=LOOKBACK,
        )

    def run(self, *, at: datetime | None = None, windows_each: int = 1_000) -> list[DateWindow]:
        """A run, whose invocations list so many windows each and then go on a minute later; the
        windows of the sweeps."""
        self.now = started = at or self.now
        self.days_listed = left = 0
        swept: list[DateWindow] = []
        while True:
            self.begin(started)
            walk = self.cursor.current
            if walk is None:
                return swept
            left += 1
            window = walk.next_window
            assert window is not None
            if windows_each < 1_000 and left % 2:
                self.cursor = self.cursor.advanced(walk.halved(window))
                continue
            self.days_listed += window.days
            for n in range(window.days):
                self.seen[window.until - n * DAY] = self.now
            if self.cursor.in_sweep:
                swept.append(window)
            self.cursor = self.cursor.advanced(walk.listed(window, 1_500))
            if left >= windows_each * 2:
                self.now += timedelta(seconds=20)

    def oldest(self, first: date, last: date) -> timedelta:
        """How long ago the day was listed that was listed the longest ago."""
        days = (last - first).days + 1
        return max(self.now - self.seen[first + n * DAY] for n in range(days))


def test_of_runs_every_half_hour_one_in_five_lists_a_slice_of_either_sweep() -> None:
    runs = Runs()
    swept = [runs.run(at=NOW + n * HALF_HOUR) for n in range(1, 6)]
    assert swept[:4] == [[], [], [], []]
    near, far = swept[4]
    assert near.until == TODAY - OVERLAP_DAYS * DAY
    assert near.days == 12
    assert far.until == TODAY - (LOOKBACK + 1) * DAY
    assert far.days == 15


def test_slices_follow_each_other_and_begin_anew_at_the_end() -> None:
    runs = Runs()
    slices = [runs.run(at=NOW + n * SLICE_EVERY)[0] for n in range(1, 8)]
    for before, after in pairwise(slices):
        assert after.until == before.since - DAY


def test_what_is_due_beyond_the_end_of_the_range_is_listed_from_its_beginning_at_once() -> None:
    # Given a sweep that is two days short of its oldest day
    span = DateWindow(TODAY - 99 * DAY, TODAY)
    sweep = Sweep(NOW)
    sweep = sweep.begin(span, period=100 * DAY, run_started=NOW + 98 * DAY, now=NOW)
    assert sweep.slice is not None
    sweep = Sweep(sweep.caught_up_at, sweep.slice.listed(DateWindow(TODAY - 97 * DAY, TODAY), 1))

    # When five days are due
    later = NOW + 103 * DAY
    first = sweep.begin(span, period=100 * DAY, run_started=later, now=later)
    assert first.slice is not None
    assert (first.slice.since, first.slice.until) == (span.since, span.since + DAY)
    done = first.slice.listed(DateWindow(first.slice.since, first.slice.until), 1)
    second = Sweep(first.caught_up_at, done).begin(
        span, period=100 * DAY, run_started=later, now=later
    )

    # Then two end the round, three begin the next, and no more are due
    assert second.slice is not None
    assert (second.slice.since, second.slice.until) == (TODAY - 2 * DAY, TODAY)
    assert second.due(span, period=100 * DAY, at=later) == 0


def test_an_org_that_was_down_for_a_day_is_looked_back_at_whole() -> None:
    runs = Runs()
    runs.run(at=NOW + HALF_HOUR)
    later = NOW + HALF_HOUR + DAY
    runs.run(at=later)
    assert runs.oldest(later.date() - LOOKBACK * DAY, later.date()) == timedelta(0)


def test_a_continuation_of_a_run_goes_no_further_slices() -> None:
    runs = Runs()
    started = NOW + HALF_HOUR
    runs.run(at=started)
    runs.now = started + timedelta(minutes=9)
    runs.begin(started)
    assert runs.cursor.current is None


def test_older_orders_are_swept_once_the_backfill_has_arrived() -> None:
    # Given a backfill that was cut short
    cursor = OrderCursor().begin(
        now=NOW, run_started=NOW, today=TODAY, orders_since=SINCE, lookback_days=LOOKBACK
    )
    assert cursor.backfill is not None
    cursor = cursor.advanced(cursor.backfill.listed(DateWindow(TODAY - 200 * DAY, TODAY + DAY), 9))
    # When the next run begins
    later = NOW + DAY
    cursor = cursor.begin(
        now=later, run_started=later, today=later.date(), orders_since=SINCE, lookback_days=LOOKBACK
    )
    # Then what is new is listed, and the look-back, before the rest of it
    assert cursor.near is not None
    assert cursor.near.under_way
    assert cursor.far is not None
    assert cursor.far.under_way is None


def test_a_cursor_of_an_earlier_version_is_looked_back_at_once_and_swept_from_then_on() -> None:
    # Given what version 1 stored
    stored = {
        "head": "2026-11-20T11:00:00Z",
        "recent": None,
        "backfill": {
            "since": SINCE.isoformat(),
            "until": "2026-11-01",
            "startedAt": "2026-10-31T00:00:00Z",
            "doneTo": SINCE.isoformat(),
            "width": None,
        },
        "lookedBackOn": "2026-11-20",
    }
    runs = Runs()
    runs.cursor = TypeAdapter(OrderCursor).validate_python(stored)
    # When it is synced twice
    first = runs.run(at=NOW)
    second = runs.run(at=NOW + SLICE_EVERY)
    # Then the first run lists the look-back window whole, the second a slice of either
    assert first == [DateWindow(TODAY - LOOKBACK * DAY, TODAY - OVERLAP_DAYS * DAY)]
    assert [window.days for window in second] == [12, 15]


@pytest.mark.parametrize("days", [0, 1, 2, 3, 89, 90, 91])
def test_an_org_whose_orders_begin_lately_has_all_of_them_listed_within_a_day(days: int) -> None:
    runs = Runs(since=TODAY - days * DAY)
    for n in range(1, 49):
        runs.run(at=NOW + n * HALF_HOUR)
    later = NOW + DAY
    first = max(runs.since, later.date() - LOOKBACK * DAY)
    assert runs.oldest(first, later.date()) <= DAY


gaps = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from([1, 2, 5, 1_000])), min_size=5, max_size=40
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(gaps, st.integers(0, 900))
def test_every_day_is_listed_within_its_promise_whatever_the_gaps_between_runs(
    rhythm: list[tuple[int, int]], age: int
) -> None:
    # Given runs with gaps of at most half an hour, some cut short and continued
    runs = Runs(since=TODAY - age * DAY)
    end = NOW + timedelta(days=8)
    worst_near = worst_far = timedelta(0)
    index = 0
    while runs.now < end:
        gap, windows_each = rhythm[index % len(rhythm)]
        index += 1
        started = runs.now + timedelta(minutes=max(gap, 12))
        near_first = max(runs.since, started.date() - LOOKBACK * DAY)
        runs.now = started
        worst_near = max(worst_near, runs.oldest(near_first, started.date()))
        worst_far = max(worst_far, runs.oldest(runs.since, started.date()))
        before = runs.now
        runs.run(at=started, windows_each=windows_each)

        # Then no run lists many days
        waited = started - before + SLICE_EVERY + HALF_HOUR + timedelta(minutes=30)
        near_span, far_span = LOOKBACK, max(0, age - LOOKBACK) + 9
        share = near_span * (waited / NEAR_PERIOD) + far_span * (waited / FAR_PERIOD)
        assert runs.days_listed <= 6 + share + 4

    # And every day of the look-back was listed at least daily, every other one weekly
    assert worst_near <= timedelta(hours=24)
    assert worst_far <= timedelta(days=7)


@given(
    since=st.dates(date(2020, 1, 1), date(2026, 1, 1)),
    days=st.lists(st.integers(1, 40), min_size=2, max_size=20),
    offset=st.integers(-12, 12),
)
def test_windows_with_the_day_after_them_leave_no_moment_out_that_must_be_in_one(
    since: date, days: list[int], offset: int
) -> None:
    # Given windows that follow each other
    windows, first = [], since
    for count in days:
        windows.append(DateWindow(first, first + (count - 1) * DAY).with_next_day)
        first += count * DAY
    # Then what one surely holds begins where that of the one before ends
    bounds = [window.surely_holds for window in windows]
    for before, after in pairwise(bounds):
        assert before[1] == after[0]
    # And lies within its days in every calendar
    for window, (begin, end) in zip(windows, bounds, strict=True):
        shift = timedelta(hours=offset)
        assert (begin + shift).date() >= window.since
        assert (end - timedelta(seconds=1) + shift).date() <= window.until


def test_a_slice_knows_from_the_one_before_that_the_end_of_a_window_is_ignored() -> None:
    span = DateWindow(SINCE, TODAY)
    before = Walk(TODAY - DAY, TODAY, started_at=NOW, done_to=TODAY - DAY, open_ended=True)
    later = NOW + NEAR_PERIOD

    sweep = Sweep(NOW, before).begin(span, period=NEAR_PERIOD, run_started=later, now=later)

    assert sweep.under_way is not None
    assert not sweep.under_way.may_narrow(span)
