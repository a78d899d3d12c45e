"""The rules of a Cloud Tasks queue, by hand and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.tasks.state import (
    REMEMBERED_SECONDS,
    RESOLUTION_SECONDS,
    NameTaken,
    QueueState,
    backoff_seconds,
)
from deploy.resources import Queue, RateLimits, Retry

START = 1_000.0
DAY = 86_400.0
SLOW = Queue(rate_limits=RateLimits(max_dispatches_per_second=1))


def state(settings: Queue | None = None) -> QueueState:
    return QueueState(settings or Queue())


def retrying(**fields: float) -> Queue:
    return Queue(retry=Retry.model_validate(fields))


def test_the_pauses_are_those_of_the_documentation() -> None:
    # Given: the example of Cloud Tasks' own reference for max_doublings
    queue = retrying(min_backoff_seconds=10, max_backoff_seconds=300, max_doublings=3)
    # When
    pauses = [backoff_seconds(queue, attempts) for attempts in range(1, 10)]
    # Then
    assert pauses == [10, 20, 40, 80, 160, 240, 300, 300, 300]


@given(
    least=st.floats(0.01, 100),
    most=st.floats(0.01, 10_000),
    doublings=st.integers(0, 1_000),
    attempts=st.integers(1, 2_000),
)
def test_a_pause_never_shrinks_and_never_passes_the_maximum(
    least: float, most: float, doublings: int, attempts: int
) -> None:
    queue = retrying(min_backoff_seconds=least, max_backoff_seconds=most, max_doublings=doublings)
    pause, following = (backoff_seconds(queue, n) for n in (attempts, attempts + 1))
    assert 0 < pause <= following <= most


def test_a_name_is_free_again_an_hour_after_its_task_ended() -> None:
    # Given
    queue = state()
    queue.create("a", None, START, START)
    taken = queue.take(START)
    assert taken is not None
    queue.attempted("a", taken, ok=True, answered=True, now=START)
    # Then
    with pytest.raises(NameTaken):
        queue.create("a", None, START, START + REMEMBERED_SECONDS - 1)
    queue.create("a", None, START, START + REMEMBERED_SECONDS)


def test_forgetting_frees_no_name_too_early() -> None:
    # Given
    queue = state()
    queue.create("a", None, START, START)
    queue.delete("a", START)
    queue.create("b", None, START, START)
    queue.delete("b", START + 2)
    # When
    queue.forget_old(START + REMEMBERED_SECONDS + 1)
    # Then
    queue.create("a", None, START, START + REMEMBERED_SECONDS + 1)
    with pytest.raises(NameTaken):
        queue.create("b", None, START, START + REMEMBERED_SECONDS + 1)


def test_a_task_that_is_deleted_under_way_has_had_its_last_attempt() -> None:
    # Given
    queue = state()
    queue.create("a", None, START, START)
    taken = queue.take(START)
    assert taken is not None
    # When
    queue.delete("a", START)
    queue.attempted("a", taken, ok=False, answered=True, now=START)
    # Then
    assert queue.take(START + 10_000) is None
    assert queue.running == 0


@pytest.mark.parametrize(
    ("retry", "attempts"),
    [
        ({"max_attempts": 3}, 3),
        ({"max_attempts": 1}, 1),
        # Time alone limits: attempts at 0, 1, 3 s; at 3 s the 3 s are over.
        ({"max_attempts": -1, "max_retry_seconds": 3, "min_backoff_seconds": 1}, 3),
        # Both limit, both must be used up.
        ({"max_attempts": 2, "max_retry_seconds": 3, "min_backoff_seconds": 1}, 3),
    ],
)
def test_a_task_is_tried_as_often_as_the_queue_says(retry: dict[str, float], attempts: int) -> None:
    # Given
    queue, now, made = state(retrying(**retry)), START, 0
    queue.create("a", None, START, START)
    # When
    while (wait := queue.wait_seconds(now)) is not None:
        now += wait
        taken = queue.take(now)
        assert taken is not None
        made += 1
        queue.attempted("a", taken, ok=False, answered=True, now=now)
    # Then
    assert made == attempts
    assert queue.pending == {}


def test_a_queue_without_limits_never_gives_a_task_up() -> None:
    # Given
    queue, now = state(retrying(max_attempts=-1, max_backoff_seconds=60)), START
    queue.create("a", None, START, START)
    # When
    for _ in range(5_000):
        wait = queue.wait_seconds(now)
        assert wait is not None
        now += wait
        taken = queue.take(now)
        assert taken is not None
        queue.attempted("a", taken, ok=False, answered=True, now=now)
    # Then
    assert now - START > 3 * DAY
    assert "a" in queue.pending


def test_a_task_with_a_day_to_succeed_is_tried_for_a_day() -> None:
    # Given
    limits = {"max_attempts": -1, "max_retry_seconds": DAY, "max_backoff_seconds": 60}
    queue, now = state(retrying(**limits)), START
    queue.create("a", None, START, START)
    # When
    while (wait := queue.wait_seconds(now)) is not None:
        now += wait
        taken = queue.take(now)
        assert taken is not None
        queue.attempted("a", taken, ok=False, answered=True, now=now)
    # Then
    assert DAY <= now - START <= DAY + 60


@given(rate=st.floats(0.5, 500), count=st.integers(1, 60))
def test_no_window_sees_more_than_the_rate_and_one_burst(rate: float, count: int) -> None:
    # Given
    queue = state(Queue(rate_limits=RateLimits(max_dispatches_per_second=rate)))
    for number in range(count):
        queue.create(str(number), None, START, START)
    # When
    now, times = START, []
    while (wait := queue.wait_seconds(now)) is not None:
        now += wait
        if queue.take(now) is not None:
            times.append(now)
    # Then
    assert len(times) == count
    for first, begin in enumerate(times):
        for last, end in enumerate(times[first:], start=1):
            assert last <= queue.burst + (end - begin) * rate + 1e-3


def test_nothing_is_sent_beyond_the_concurrency_until_one_comes_back() -> None:
    # Given
    queue = state(Queue(rate_limits=RateLimits(max_concurrent_dispatches=1)))
    queue.create("a", None, START, START)
    queue.create("b", None, START, START)
    first = queue.take(START)
    assert first is not None
    assert queue.wait_seconds(START) is None
    # When
    queue.attempted("a", first, ok=True, answered=True, now=START)
    # Then
    assert queue.take(START) is queue.pending["b"]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_tasks_come_in_the_order_of_their_times(delays: list[float]) -> None:
    # Given
    queue = state()
    for number, delay in enumerate(delays):
        queue.create(str(number), None, START + delay, START)
    # When
    now, order = START, []
    while (wait := queue.wait_seconds(now)) is not None:
        now += wait
        if taken := queue.take(now):
            order.append(taken.due)
            assert taken.due <= now + RESOLUTION_SECONDS
    # Then
    assert order == sorted(START + delay for delay in delays)
