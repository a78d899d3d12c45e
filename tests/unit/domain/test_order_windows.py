"""Walking an org's orders back through time."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.order_windows import OVERLAP_DAYS, ROWS_ACCEPTED, DateWindow, OrderCursor, Walk

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
SINCE = date(2020, 1, 1)


def begin(cursor: OrderCursor, now: datetime = NOW) -> OrderCursor:
    return cursor.begin(
        now=now, run_started=now, today=now.date(), orders_since=SINCE, lookback_days=90
    )


def walk_whole(cursor: OrderCursor, now: datetime = NOW) -> tuple[OrderCursor, list[DateWindow]]:
    """Go every walk there is; every window holds a few orders."""
    windows = []
    while (walk := cursor.current) and (window := walk.next_window):
        windows.append(window)
        cursor = cursor.advanced(walk.listed(window, 10), lookback_days=90)
    return cursor, windows


def synced() -> OrderCursor:
    """The cursor of an org that was synced a moment ago."""
    return walk_whole(begin(OrderCursor()))[0]


def test_the_first_run_asks_for_everything_since_the_orgs_first_day() -> None:
    _, windows = walk_whole(begin(OrderCursor()))
    assert windows == [DateWindow(SINCE, TODAY + timedelta(days=1))]


def test_the_next_run_asks_for_what_is_new_with_an_overlap() -> None:
    cursor, _ = walk_whole(begin(OrderCursor()))
    later = NOW + timedelta(hours=1)
    _, windows = walk_whole(begin(cursor, later), later)
    assert windows == [DateWindow(TODAY - timedelta(days=OVERLAP_DAYS), TODAY + timedelta(days=1))]


def test_once_a_day_the_whole_look_back_window_is_asked_for() -> None:
    cursor, _ = walk_whole(begin(OrderCursor()))
    tomorrow = NOW + timedelta(days=1)
    cursor, first = walk_whole(begin(cursor, tomorrow), tomorrow)
    later = tomorrow + timedelta(hours=1)
    _, second = walk_whole(begin(cursor, later), later)
    assert first[0].since == tomorrow.date() - timedelta(days=90)
    assert second[0].since == tomorrow.date() - timedelta(days=OVERLAP_DAYS)


def test_a_window_with_too_many_orders_is_narrowed_and_the_rest_follows() -> None:
    walk = Walk(since=SINCE, until=TODAY, started_at=NOW)
    whole = walk.next_window
    assert whole is not None
    walk = walk.narrowed(whole, 100_000)
    narrow = walk.next_window
    assert narrow is not None
    assert narrow.until == TODAY
    assert narrow.days == whole.days * 2_000 // 100_000
    following = walk.listed(narrow, ROWS_ACCEPTED).next_window
    assert following is not None
    assert following.until == narrow.since - timedelta(days=1)


def test_new_orders_are_asked_for_while_a_backfill_is_still_under_way() -> None:
    # Given a first run whose backfill stopped half way
    cursor = begin(OrderCursor())
    walk = cursor.current
    assert walk is not None
    window = walk.next_window
    assert window is not None
    narrow = walk.halved(window)
    first = narrow.next_window
    assert first is not None
    cursor = cursor.advanced(narrow.listed(first, 3_000), lookback_days=90)
    # When the next run begins
    later = NOW + timedelta(hours=1)
    _, windows = walk_whole(begin(cursor, later), later)
    # Then what is new comes first and the backfill goes on where it stopped
    assert windows[0].until == later.date() + timedelta(days=1)
    assert windows[1].until == first.since - timedelta(days=1)
    assert windows[-1].since == SINCE


def test_a_continuation_goes_on_with_the_backfill_and_looks_for_new_orders_only_now_and_then() -> (
    None
):
    cursor = begin(OrderCursor())
    for minutes, looks in ((9, False), (11, True)):
        now = NOW + timedelta(minutes=minutes)
        found = cursor.begin(
            now=now, run_started=NOW, today=now.date(), orders_since=SINCE, lookback_days=90
        )
        assert (found.recent is not None) is looks


def test_a_walk_of_which_nothing_was_listed_begins_anew_and_stays_as_narrow() -> None:
    # Given a walk that could not list a single window, in runs of two days ago
    cursor = begin(synced(), NOW + timedelta(hours=1))
    assert cursor.recent is not None
    assert cursor.recent.next_window is not None
    halved = cursor.recent.halved(cursor.recent.next_window)
    cursor = cursor.advanced(halved, lookback_days=90)

    # When the POS can be read again
    later = NOW + timedelta(days=2)
    _, windows = walk_whole(begin(cursor, later), later)

    # Then the orders of today are among what is asked for, and no window is wider than before
    assert windows[0].until == later.date() + timedelta(days=1)
    assert windows[-1].since == later.date() - timedelta(days=90)
    assert windows[0].days == halved.width


def test_a_look_back_that_took_until_the_next_day_does_not_stand_for_that_days() -> None:
    # Given a look-back that was begun on one day, and ended on the next
    tomorrow, day_after = NOW + timedelta(days=1), NOW + timedelta(days=2)
    cursor = begin(synced(), tomorrow)
    assert cursor.recent is not None
    window = cursor.recent.left
    assert window is not None
    cursor = cursor.advanced(cursor.recent.listed(window.newest(30), 10), lookback_days=90)
    cursor, _ = walk_whole(begin(cursor, day_after), day_after)

    # When the org is synced again on that day, then all is looked at: orders may have changed since
    _, windows = walk_whole(begin(cursor, day_after), day_after + timedelta(hours=1))
    assert windows[0].since == day_after.date() - timedelta(days=90)


def test_an_org_whose_orders_begin_within_the_look_back_is_looked_back_at_once_a_day() -> None:
    since = TODAY - timedelta(days=10)

    def begun(cursor: OrderCursor, now: datetime) -> OrderCursor:
        return cursor.begin(
            now=now, run_started=now, today=now.date(), orders_since=since, lookback_days=90
        )

    cursor, _ = walk_whole(begun(OrderCursor(), NOW))
    tomorrow = NOW + timedelta(days=1)
    cursor, first = walk_whole(begun(cursor, tomorrow), tomorrow)
    later = tomorrow + timedelta(hours=1)
    _, second = walk_whole(begun(cursor, later), later)
    assert first[0].since == since
    assert second[0].since == tomorrow.date() - timedelta(days=OVERLAP_DAYS)


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 3_000),
)
def test_however_a_walk_is_cut_every_day_is_listed_once_and_newest_first(
    answers: list[tuple[int, bool]], days: int
) -> None:
    walk = Walk(since=TODAY - timedelta(days=days), until=TODAY, started_at=NOW)
    listed: list[date] = []
    for rows, out_of_time in answers + [(10, False)] * (days + 2):
        window = walk.next_window
        if window is None:
            break
        if rows > ROWS_ACCEPTED and window.days > 1:
            walk = walk.narrowed(window, rows)
        elif out_of_time:
            walk = walk.halved(window)
        else:
            listed += [window.until - timedelta(days=n) for n in range(window.days)]
            walk = walk.listed(window, rows)
    assert listed == [TODAY - timedelta(days=n) for n in range(days + 1)]
