"""How many requests a function works on at once, and who waits."""

import time
from concurrent.futures import ThreadPoolExecutor

from deploy.local.push import Slots

LONG = 30.0


def test_no_more_are_given_than_there_are() -> None:
    slots = Slots(3)
    assert [slots.take(0) for _ in range(4)] == [True, True, True, False]


def test_one_that_comes_back_goes_to_who_waits() -> None:
    # Given
    slots = Slots(1)
    slots.take(0)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(slots.take, LONG)
        # When
        slots.give_back()
        # Then
        assert waiting.result(LONG)
    assert not slots.take(0)


def test_who_waits_too_long_goes_away_without() -> None:
    # Given
    slots = Slots(1)
    slots.take(0)
    began = time.monotonic()
    # Then
    assert not slots.take(0.05)
    assert time.monotonic() - began >= 0.05


def test_closing_ends_the_waiting_and_nothing_is_given_any_more() -> None:
    # Given
    slots = Slots(1)
    slots.take(0)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(slots.take, LONG)
        # When
        slots.close()
        # Then
        assert not waiting.result(LONG)
    slots.give_back()
    assert not slots.take(0)
