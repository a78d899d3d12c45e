"""A listing that is read before anybody asks for its pages."""

import time
from collections.abc import Callable, Generator

import pytest

from shared.errors import ListingIncomplete
from shared.pos.paging import READ_AHEAD_PAGES, ReadAhead
from shared.pos.port import Page, page_of

PATIENCE_SECONDS = 5.0


class Listing:
    """A listing of so many pages that notes which were asked for; it fails after the last where
    ``error`` is given."""

    def __init__(self, pages: int, error: Exception | None = None) -> None:
        self.asked: list[int] = []
        self.closed = False
        self._count = pages
        self._error = error

    def pages(self) -> Generator[Page[str], None, None]:
        try:
            for number in range(1, self._count + 1):
                self.asked.append(number)
                last = number == self._count and not self._error
                yield page_of(number, [f"row-{number}"], total=self._count, requests=1, last=last)
            if self._error:
                raise self._error
        finally:
            self.closed = True


def never(_: Page[str]) -> bool:
    return False


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def test_pages_are_asked_for_before_anybody_reads_them_and_come_in_order() -> None:
    listing = Listing(5)

    ahead = ReadAhead(listing.pages(), never)
    until(lambda: listing.asked == [1, 2, 3, 4, 5])

    assert [page.number for page in ahead] == [1, 2, 3, 4, 5]
    assert listing.closed


def test_no_more_pages_wait_for_their_reader_than_there_is_room_for() -> None:
    listing = Listing(3 * READ_AHEAD_PAGES)

    ahead = ReadAhead(listing.pages(), never)
    until(lambda: len(listing.asked) >= READ_AHEAD_PAGES)
    time.sleep(0.05)
    before_reading = len(listing.asked)
    numbers = [page.number for page in ahead]

    assert before_reading == READ_AHEAD_PAGES
    assert numbers == list(range(1, 3 * READ_AHEAD_PAGES + 1))


def test_nothing_is_asked_for_past_a_page_that_is_enough() -> None:
    listing = Listing(10)

    ahead = ReadAhead(listing.pages(), lambda page: page.number == 2)

    assert [page.number for page in ahead] == [1, 2]
    assert listing.asked == [1, 2]


def test_what_the_listing_raises_reaches_its_reader_after_the_pages_before_it() -> None:
    listing = Listing(2, ListingIncomplete("cut short"))
    read: list[int] = []

    with pytest.raises(ListingIncomplete):
        read.extend(page.number for page in ReadAhead(listing.pages(), never))

    assert read == [1, 2]


def test_a_listing_that_nobody_reads_ends_once_it_is_closed() -> None:
    listing = Listing(3 * READ_AHEAD_PAGES)
    ahead = ReadAhead(listing.pages(), never)
    until(lambda: len(listing.asked) == READ_AHEAD_PAGES)

    ahead.close()

    until(lambda: listing.closed)
    assert len(listing.asked) <= READ_AHEAD_PAGES + 1


def test_a_reader_that_stops_half_way_ends_the_listing() -> None:
    listing = Listing(3 * READ_AHEAD_PAGES)
    pages = iter(ReadAhead(listing.pages(), never))

    assert next(pages).number == 1
    pages.close()

    until(lambda: listing.closed)
