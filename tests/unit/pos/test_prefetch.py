"""How far ahead pages are asked for, and in whose threads."""

import threading
from contextvars import ContextVar
from time import monotonic, sleep

import pytest

from shared.errors import ProviderFailed
from tests.unit.pos.listings import Service, rows_of

RUN_ID: ContextVar[str] = ContextVar("run_id", default="none")


def page_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("pos-page")]


def no_threads_left(within_seconds: float = 2.0) -> bool:
    until = monotonic() + within_seconds
    while page_threads() and monotonic() < until:
        sleep(0.01)
    return not page_threads()


def test_a_small_listing_costs_one_call() -> None:
    service = Service(range(7))

    service.pages(in_flight=8)

    assert service.asked == [1]


def test_with_a_total_exactly_the_right_pages_are_asked_for() -> None:
    service = Service(range(95), total=95)

    service.pages(in_flight=8)

    assert sorted(service.asked) == list(range(1, 11))


def test_with_an_expected_count_all_is_asked_for_at_once() -> None:
    service = Service(range(75), takes_seconds=0.05)

    service.pages(in_flight=8, expected=75)

    assert service.most_at_once == 8
    assert sorted(service.asked) == list(range(1, 9))


def test_an_expected_count_that_is_too_low_or_too_high_does_no_harm() -> None:
    too_low, too_high = Service(range(75)), Service(range(75))

    assert rows_of(too_low.pages(expected=20)) == list(range(75))
    assert rows_of(too_high.pages(expected=2_000)) == list(range(75))


def test_without_a_total_it_asks_for_one_page_then_two_then_four() -> None:
    service = Service(range(1_000))
    pages = service.listing(in_flight=8)
    asked_after_page = []

    for _ in range(4):
        next(pages)
        asked_after_page.append(max(service.asked, default=0))
        sleep(0.02)
    pages.close()

    assert asked_after_page[0] <= 3
    assert asked_after_page[1] <= 6
    assert asked_after_page[2] <= 11


def test_a_slow_reader_is_never_more_than_the_setting_ahead_of() -> None:
    service = Service(range(1_000), total=1_000)
    pages = service.listing()

    for number in range(1, 6):
        next(pages)
        sleep(0.03)
        assert max(service.asked) <= number + 4
    pages.close()


def test_pages_come_in_order_though_later_ones_answer_first() -> None:
    service = Service(range(60), total=60, before=lambda number: sleep(0.05 if number % 2 else 0.0))

    assert rows_of(service.pages()) == list(range(60))


def test_no_thread_is_left_when_the_reader_stops_early() -> None:
    pages = Service(range(1_000), total=1_000, takes_seconds=0.02).listing()
    next(pages)

    pages.close()

    assert no_threads_left()


def test_no_thread_is_left_after_an_error() -> None:
    def fail_on_page_5(number: int) -> None:
        if number == 5:
            raise ProviderFailed("The POS had an error of its own.")

    service = Service(range(1_000), total=1_000, takes_seconds=0.01, before=fail_on_page_5)

    with pytest.raises(ProviderFailed):
        service.pages()

    assert no_threads_left()
    assert max(service.asked) <= 4 + 4


def test_what_fails_beyond_the_end_does_not_matter() -> None:
    def fail_beyond_the_end(number: int) -> None:
        if number > 4:
            raise ProviderFailed("There is no such page.")

    service = Service(range(35), before=fail_beyond_the_end)

    assert rows_of(service.pages()) == list(range(35))


def test_the_log_fields_of_a_run_go_along_into_the_threads() -> None:
    seen: set[str] = set()
    service = Service(range(25), total=25, before=lambda _number: seen.add(RUN_ID.get()))
    reset = RUN_ID.set("run-7")
    try:
        service.pages()
    finally:
        RUN_ID.reset(reset)

    assert seen == {"run-7"}
