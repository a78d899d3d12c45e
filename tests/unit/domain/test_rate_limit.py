"""Moments for calls within sliding windows."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.rate_limit import Limit, lateness_ms, place, still_counted, windows_ms

DEFAULT = (Limit(5, 1), Limit(120, 60), Limit(2_000, 3600))
FOREVER = 10**12

limits = st.lists(
    st.builds(Limit, st.integers(1, 30), st.sampled_from([1, 10, 60])), min_size=1, max_size=3
)
blocks = st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 40)), min_size=1, max_size=12)


def most_within(moments: list[int], window_ms: int) -> int:
    """The most moments that lie within any window, its ends included."""
    return max(
        (place + 1 - bisect_left(moments, moment - window_ms))
        for place, moment in enumerate(moments)
    )


@given(limits, blocks)
def test_no_window_ever_holds_more_calls_than_its_limit(
    own: list[Limit], asked: list[tuple[int, int]]
) -> None:
    # Given callers that take blocks one after the other
    taken: list[int] = []
    now = 1_000_000
    for pause, wanted in asked:
        now += pause
        # When each is given the earliest moments
        placed = place(still_counted(taken, own, now), own, wanted=wanted, now=now, until=FOREVER)
        taken += placed.moments
    # Then every window is kept, even if each call leaves as late as it may
    assert taken == sorted(taken)
    for calls, window in windows_ms(own):
        assert most_within(taken, window - 1) <= calls


@given(limits, st.integers(1, 60))
def test_every_call_gets_the_earliest_moment_there_is(own: list[Limit], wanted: int) -> None:
    # When
    moments = list(place([], own, wanted=wanted, now=0, until=FOREVER).moments)
    # Then none but the first could be one millisecond earlier
    windows = windows_ms(own)
    apart = max((window // calls for calls, window in windows if window < 2_000), default=0)
    for index, moment in enumerate(moments[1:], start=1):
        earlier = [*moments[:index], moment - 1]
        too_many = any(most_within(earlier, window - 1) > calls for calls, window in windows)
        assert too_many or moment == moments[index - 1] + apart


def test_the_default_limits_are_used_to_the_full() -> None:
    # When 1,641 calls are asked for at once
    placed = place([], DEFAULT, wanted=1_641, now=0, until=FOREVER)
    # Then 120 leave in each minute: within 1 % of the 796 s that the limits allow at best
    assert placed.free_at is None
    assert placed.moments[-1] / 1000 < 796 * 1.01
    # and the 2,001st waits for the hour
    hours = place([], DEFAULT, wanted=2_001, now=0, until=FOREVER).moments
    assert hours[1_999] < 18 * 60_000
    assert hours[2_000] == 3_600_100


def test_nothing_is_placed_after_the_end_and_the_next_moment_is_told() -> None:
    # Given 5 calls
    taken = place([], DEFAULT, wanted=5, now=0, until=1_000).moments
    # When more are asked for than there is time for
    placed = place(taken, DEFAULT, wanted=9, now=10, until=1_600)
    # Then
    assert taken == (0, 220, 440, 660, 880)
    assert placed.moments == (1_100, 1_320, 1_540)
    assert placed.free_at == 1_760


@pytest.mark.parametrize(
    ("own", "late"),
    [
        ((), 0),
        ((Limit(5, 1),), 100),
        ((Limit(120, 60), Limit(5, 1)), 100),
        ((Limit(5, 10),), 500),
        ((Limit(2_000, 3_600), Limit(120, 60)), 3_000),
    ],
)
def test_a_call_may_be_late_by_a_twentieth_of_the_shortest_limit_and_windows_are_longer_by_that(
    own: tuple[Limit, ...], late: int
) -> None:
    assert lateness_ms(own) == late
    assert windows_ms(own) == [(limit.calls, limit.seconds * 1_000 + late) for limit in own]


def test_a_moment_counts_until_the_longest_window_has_passed_it() -> None:
    own = (Limit(5, 1), Limit(10, 2))
    assert still_counted([0, 1, 2_000], own, 2_099) == [0, 1, 2_000]
    assert still_counted([0, 1, 2_000], own, 2_100) == [1, 2_000]


def test_without_a_limit_by_the_second_calls_follow_one_another_at_once_but_in_order() -> None:
    # Given a call whose moment is yet to come
    placed = place([100], (Limit(5, 60),), wanted=2, now=5, until=FOREVER)
    assert placed.moments == (100, 100)


def test_without_limits_all_leave_at_once() -> None:
    assert place([], (), wanted=3, now=7, until=7).moments == (7, 7, 7)
    assert still_counted([1, 4, 5, 6], (), 5) == [6]
