"""A paged service made up of a list, with the ways in which one may misbehave."""

from collections.abc import Callable, Generator, Sequence
from threading import Lock
from time import sleep

from shared.pos.paging import FetchedPage, PageSettings, list_pages
from shared.pos.port import Page, Rejected

Pages = list[Page[int]]


class Service:
    """Pages of ``size`` out of ``rows``, of ``at_most`` where that is less. ``total`` says what it
    announces, ``distort`` may change what a page brings: it gets the page number, how often it was
    asked for, and the page. ``before`` is called with the page number before each answer."""

    def __init__(
        self,
        rows: Sequence[int],
        *,
        size: int = 10,
        at_most: int | None = None,
        total: int | None = None,
        distort: Callable[[int, int, list[int]], list[int]] | None = None,
        takes_seconds: float = 0.0,
        before: Callable[[int], object] = lambda _number: None,
    ) -> None:
        self.rows = list(rows)
        self.size = size
        self.given = min(size, at_most or size)
        self.total = total
        self.asked: list[int] = []
        self.at_once = self.most_at_once = 0
        self.distort = distort or (lambda _number, _time, page: page)
        self._takes_seconds = takes_seconds
        self._before = before
        self._lock = Lock()

    def fetch(self, number: int) -> FetchedPage[int | Rejected]:
        with self._lock:
            self.asked.append(number)
            asked = self.asked.count(number)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self._before(number)
        sleep(self._takes_seconds)
        with self._lock:
            self.at_once -= 1
        page = self.rows[(number - 1) * self.given : number * self.given]
        return FetchedPage(self.distort(number, asked, page), self.total, 1)

    def listing(
        self, *, in_flight: int = 4, expected: int | None = None, start_page: int = 1
    ) -> Generator[Page[int], None, None]:
        return list_pages(
            self.fetch,
            lambda row: row,
            provider="The POS at pos.example.com",
            what="orders",
            settings=PageSettings(self.size, in_flight),
            expected=expected,
            start_page=start_page,
        )

    def pages(
        self, *, in_flight: int = 4, expected: int | None = None, start_page: int = 1
    ) -> Pages:
        return list(self.listing(in_flight=in_flight, expected=expected, start_page=start_page))


def rows_of(pages: Pages) -> list[int]:
    return [row for page in pages for row in page.records]
