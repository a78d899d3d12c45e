"""Walking an org's orders back through time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.domain.order_windows import (
    OVERLAP_DAYS,
    ROWS_ACCEPTED,
    ROWS_AIMED_AT,
    DateWindow,
    OrderCursor,
    Walk,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
SINCE = date(2020, 1, 1)
STORED = TypeAdapter(OrderCursor)


def begin(cursor: OrderCursor, now: datetime = NOW, *, since: date = SINCE) -> OrderCursor:
    return cursor.begin(
        now=now, run_started=now, today=now.date(), orders_since=since, lookback_days=90
    )


def walk_whole(cursor: OrderCursor) -> tuple[OrderCursor, list[DateWindow]]:
    """Go every walk there is; every window holds a few orders. The windows of the sweeps are not
    among those returned."""
    windows = []
    while (walk := cursor.current) and (window := walk.next_window):
        if not cursor.in_sweep:
            windows.append(window)
        cursor = cursor.advanced(walk.listed(window, 10))
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
    _, windows = walk_whole(begin(cursor, later))
    assert windows == [DateWindow(TODAY - timedelta(days=OVERLAP_DAYS), TODAY + timedelta(days=1))]


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
    cursor = cursor.advanced(narrow.listed(first, 3_000))
    # When the next run begins
    later = NOW + timedelta(hours=1)
    _, windows = walk_whole(begin(cursor, later))
    # Then what is new comes first and the backfill goes on where it stopped
    assert windows[0].until == later.date() + timedelta(days=1)
    assert windows[1].until == first.since - timedelta(days=1)
    assert windows[-1].since == SINCE


@pytest.mark.parametrize(
    ("since_the_last_look", "looks"),
    [
        (timedelta(minutes=9, seconds=59), False),
        (timedelta(minutes=10), True),
        (timedelta(minutes=11), True),
    ],
)
def test_a_continuation_goes_on_with_the_backfill_and_looks_for_new_orders_only_now_and_then(
    since_the_last_look: timedelta, looks: bool
) -> None:
    now = NOW + since_the_last_look
    found = begin(OrderCursor()).begin(
        now=now, run_started=NOW, today=now.date(), orders_since=SINCE, lookback_days=90
    )
    assert (found.recent is not None) is looks


def test_a_new_run_looks_for_new_orders_however_short_the_last_look_is_ago() -> None:
    soon = NOW + timedelta(minutes=1)
    _, windows = walk_whole(begin(synced(), soon))
    assert [window.until for window in windows] == [TODAY + timedelta(days=1)]


def test_a_run_that_has_looked_since_it_began_does_not_look_again_at_once() -> None:
    # Given a run whose first invocation began a while after it was sent
    sent, begun = NOW + timedelta(hours=1), NOW + timedelta(hours=1, minutes=2)

    def begin_at(cursor: OrderCursor, now: datetime) -> OrderCursor:
        return cursor.begin(
            now=now, run_started=sent, today=TODAY, orders_since=SINCE, lookback_days=90
        )

    cursor, first = walk_whole(begin_at(synced(), begun))

    # When it is continued
    cursor = begin_at(cursor, begun + timedelta(minutes=5))

    # Then there is nothing more to ask for
    assert len(first) == 1
    assert cursor.current is None


def test_an_org_that_rested_for_longer_than_the_look_back_is_asked_for_all_since() -> None:
    # Given an org that was not synced for half a year
    later = NOW + timedelta(days=180)

    cursor, first = walk_whole(begin(synced(), later))

    assert first[0].since == TODAY - timedelta(days=OVERLAP_DAYS)
    assert first[0].until == later.date() + timedelta(days=1)

    # And that was the look-back of that day
    soon = later + timedelta(hours=1)
    _, second = walk_whole(begin(cursor, soon))
    assert second[0].since == later.date() - timedelta(days=OVERLAP_DAYS)


def test_a_walk_of_which_nothing_was_listed_begins_anew_and_stays_as_narrow() -> None:
    # Given a walk that could not list a single window, in runs of two days ago
    cursor = begin(synced(), NOW + timedelta(hours=1))
    assert cursor.recent is not None
    assert cursor.recent.next_window is not None
    halved = cursor.recent.halved(cursor.recent.next_window)
    cursor = cursor.advanced(halved)

    # When the POS can be read again
    later = NOW + timedelta(days=2)
    _, windows = walk_whole(begin(cursor, later))

    # Then the orders of today are among what is asked for, and no window is wider than before
    assert windows[0].until == later.date() + timedelta(days=1)
    assert windows[-1].since == NOW.date() - timedelta(days=OVERLAP_DAYS)
    assert windows[0].days == halved.width


def test_a_walk_that_began_anew_leaves_nothing_of_its_own_time_to_the_next() -> None:
    # Given a walk of which nothing was listed
    cursor = begin(synced(), NOW + timedelta(hours=1))

    # When it begins anew and arrives
    later = NOW + timedelta(days=2)
    cursor, _ = walk_whole(begin(cursor, later))

    # Then the next one asks for what is new since then
    assert cursor.head == later


def test_there_is_no_walk_to_go_before_the_first_run_nor_once_everything_is_listed() -> None:
    assert OrderCursor().current is None
    assert synced().current is None


def test_an_org_that_wants_older_orders_gets_them_and_none_a_second_time() -> None:
    # Given an org whose backfill has arrived
    cursor = synced()

    # When its orders are to begin earlier
    older, later = SINCE - timedelta(days=365), NOW + timedelta(hours=1)
    cursor = begin(cursor, later, since=older)
    assert cursor.backfill is not None
    assert cursor.backfill.started_at == later
    cursor, windows = walk_whole(cursor)

    # Then the days before those already listed follow what is new
    assert windows[1:] == [DateWindow(older, SINCE - timedelta(days=1))]
    assert cursor.current is None


def test_a_backfill_under_way_arrives_before_one_for_older_orders_begins() -> None:
    # Given a backfill that was cut short
    cursor = begin(OrderCursor())
    assert cursor.current is not None
    window = DateWindow(TODAY - timedelta(days=30), TODAY + timedelta(days=1))
    cursor = cursor.advanced(cursor.current.listed(window, 10))

    # When the org's orders are to begin earlier
    older, later = SINCE - timedelta(days=365), NOW + timedelta(hours=1)
    cursor, windows = walk_whole(begin(cursor, later, since=older))

    # Then it first goes on to where it was to end
    assert windows[1:] == [DateWindow(SINCE, window.since - timedelta(days=1))]

    # And the next run asks for what is older
    later += timedelta(hours=1)
    _, windows = walk_whole(begin(cursor, later, since=older))
    assert windows[1:] == [DateWindow(older, SINCE - timedelta(days=1))]


@pytest.mark.parametrize("days", [0, 1, 400])
def test_an_org_that_wants_fewer_orders_for_a_while_is_not_listed_again(days: int) -> None:
    # Given an org that was listed whole, and then wanted fewer of its days, or as many
    later = NOW + timedelta(hours=1)
    fewer, _ = walk_whole(begin(synced(), later, since=SINCE + timedelta(days=days)))

    # When it wants all of them again
    later += timedelta(hours=1)
    _, windows = walk_whole(begin(fewer, later))

    # Then only what is new is asked for
    assert [window.until for window in windows] == [later.date() + timedelta(days=1)]
    assert fewer.backfill == synced().backfill


@pytest.mark.parametrize(
    ("rows", "next_days"),
    [
        (0, 40),
        (ROWS_AIMED_AT // 2 - 1, 40),
        (ROWS_AIMED_AT // 2, 10),
        (ROWS_AIMED_AT, 10),
        (ROWS_ACCEPTED, 10),
    ],
)
def test_a_window_that_held_few_orders_makes_the_next_one_four_times_as_wide(
    rows: int, next_days: int
) -> None:
    walk = Walk(since=SINCE, until=TODAY, started_at=NOW, width=10)
    window = walk.next_window
    assert window is not None

    following = walk.listed(window, rows).next_window

    assert following is not None
    assert following.days == next_days


def test_sparse_days_widen_a_walk_no_further_than_the_calendar_goes() -> None:
    walk = Walk(since=SINCE, until=TODAY, started_at=NOW, width=1)
    for _ in range(100):
        window = replace(walk, done_to=None).next_window
        assert window is not None
        walk = walk.listed(window, rows=0)

    assert replace(walk, done_to=None).next_window == DateWindow(SINCE, TODAY)
    assert walk.width is not None
    assert walk.width < 2**31


def test_a_walk_that_was_never_narrowed_asks_for_all_that_is_left_in_one_window() -> None:
    walk = Walk(since=SINCE, until=TODAY, started_at=NOW)
    listed = DateWindow(TODAY - timedelta(days=9), TODAY)
    for rows in (0, ROWS_ACCEPTED):
        following = walk.listed(listed, rows).next_window
        assert following == DateWindow(SINCE, TODAY - timedelta(days=10))


@pytest.mark.parametrize(
    ("days", "rows", "next_days"),
    [(100, 5_000, 40), (100, 20_000, 10), (7, 4_001, 3), (2, 4_001, 1), (2, 1_000_000, 1)],
)
def test_a_narrowed_window_is_as_wide_as_the_orders_aimed_at_and_never_less_than_a_day(
    days: int, rows: int, next_days: int
) -> None:
    walk = Walk(since=TODAY - timedelta(days=days - 1), until=TODAY, started_at=NOW)
    window = walk.next_window
    assert window is not None

    narrow = walk.narrowed(window, rows).next_window

    assert narrow == DateWindow(TODAY - timedelta(days=next_days - 1), TODAY)


@pytest.mark.parametrize(("days", "next_days"), [(10, 5), (7, 3), (3, 1), (2, 1), (1, 1)])
def test_a_window_that_took_too_long_is_halved_and_never_less_than_a_day(
    days: int, next_days: int
) -> None:
    walk = Walk(since=TODAY - timedelta(days=days - 1), until=TODAY, started_at=NOW)
    window = walk.next_window
    assert window is not None

    assert walk.halved(window).next_window == DateWindow(
        TODAY - timedelta(days=next_days - 1), TODAY
    )


def test_a_pos_that_ignores_the_end_of_a_window_is_asked_for_all_that_is_left_at_once() -> None:
    # Given a window of which most orders are of later days
    walk = Walk(since=SINCE, until=TODAY, started_at=NOW, width=10)
    window = walk.next_window
    assert window is not None
    assert walk.may_narrow(window)

    walk = walk.listed(window, ROWS_ACCEPTED, later=ROWS_ACCEPTED // 2 + 1)

    # Then all that is left is the next one, however many orders it holds
    rest = walk.next_window
    assert rest == DateWindow(SINCE, TODAY - timedelta(days=10))
    assert not walk.may_narrow(rest)
    assert walk.listed(rest, 1_000_000, later=999_000).next_window is None

    # and if that takes too long, half of it
    assert walk.halved(rest).next_window == rest.newest(rest.days // 2)


@pytest.mark.parametrize(
    ("rows", "later"),
    [(ROWS_ACCEPTED, ROWS_ACCEPTED // 2), (ROWS_AIMED_AT - 1, ROWS_AIMED_AT - 1)],
    ids=["no more than half", "few"],
)
def test_some_orders_of_later_days_change_nothing(rows: int, later: int) -> None:
    walk = Walk(since=SINCE, until=TODAY, started_at=NOW, width=10)
    window = walk.next_window
    assert window is not None
    assert walk.listed(window, rows, later=later) == walk.listed(window, rows)


def test_the_place_of_a_walk_survives_being_stored() -> None:
    # Given an org with a walk under way, a backfill that has arrived, and a narrower width
    cursor = begin(synced(), NOW + timedelta(days=1))
    assert cursor.recent is not None
    assert cursor.near is not None
    assert cursor.near.slice is not None
    until = cursor.near.slice.until
    window = cursor.recent.left
    assert window is not None
    cursor = cursor.advanced(cursor.recent.halved(window).listed(window.newest(1), ROWS_AIMED_AT))

    stored = STORED.dump_python(cursor, mode="json", by_alias=True)

    assert STORED.validate_python(stored) == cursor
    assert stored["near"]["slice"]["until"] == until.isoformat()
    assert stored["recent"]["doneTo"] == window.newest(1).since.isoformat()


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
