"""Listings that come in numbered pages: several in flight, given out in order, proved complete.

It knows nothing of HTTP: it is given how to fetch page n and what identifies an entry. ReadAhead
reads a listing before anybody asks for its pages.
"""

from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from itertools import count
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Generic, TypeVar

import structlog

from shared import tracing
from shared.errors import ListingIncomplete
from shared.outbound.failures import StatusRefused
from shared.pos.port import Page, Rejected, page_of

READ_AHEAD_PAGES = 32
_PEEK_SECONDS = 5.0
_ASK_AGAIN_CUT_SHORT = 2
_ASK_AGAIN_FULL_OF_REPEATS = 1
_USUAL_LIMITS = frozenset({10, 20, 25, 50})
"""How many rows services give at once that have a limit of their own."""

E = TypeVar("E")
R = TypeVar("R")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PageSettings:
    """``size`` is what a full page holds, ``in_flight`` how many are asked for at once."""

    size: int = 100
    in_flight: int = 8


@dataclass(frozen=True, slots=True)
class FetchedPage(Generic[E]):
    """A page as it came. ``total`` is the whole listing's count, where the page says so."""

    entries: Sequence[E]
    total: int | None
    requests: int


def list_pages(
    fetch: Callable[[int], FetchedPage[R | Rejected]],
    identity: Callable[[R | Rejected], Hashable],
    *,
    provider: str,
    what: str,
    settings: PageSettings,
    expected: int | None = None,
    start_page: int = 1,
) -> Generator[Page[R], None, None]:
    """Every page of a listing from ``start_page`` on; the pages before it count as seen in full.

    It ends on a page that is not full, on the announced total, and on a page that brings nothing
    new. The last page is asked for again where the total or the page after it says that there is
    more, and where it is full of repeats. The first two pages show whether a service gives fewer
    at once than it is asked for. ``provider`` ("The POS at app.alleaves.com") and ``what``
    ("orders") are for messages; ``expected`` is a guess of the total that only steers how far
    ahead to ask. Raises ListingIncomplete, and what ``fetch`` raises.
    """

    def traced(number: int) -> FetchedPage[R | Rejected]:
        with tracing.span("page", stream=what, page=number):
            page = fetch(number)
            tracing.note(rows=len(page.entries), requests=page.requests)
            return page

    progress = _Progress(settings.size, identity, start_page)
    ahead = _Prefetch(traced, settings.in_flight, start_page)

    def followed() -> bool:
        following = ahead.peek()
        return following is not None and progress.new_rows(following.entries) > 0

    try:
        made = progress.learn_size(traced, traced(1)) if start_page > 1 else 0
        ahead.fill(progress.pages_planned(expected))
        for number in count(start_page):
            page = ahead.take()
            made += progress.learn_size(traced, page) if number == 1 else page.requests
            asked_again = 0
            while asked_again < progress.times_to_ask_again(page, followed):
                asked_again += 1
                log.info("page_asked_for_again", what=what, page=number, rows=len(page.entries))
                page = traced(number)
                made += page.requests
            new, rows = progress.accept(page)
            last = progress.ended
            if last and progress.rows < (progress.smallest_total or 0):
                raise ListingIncomplete(
                    f"{provider} announced {progress.total:,} {what} but sent {progress.rows:,}."
                )
            if progress.misjudged or (last and progress.total is None and followed()):
                cut = 1 if progress.misjudged else number
                raise ListingIncomplete(
                    f"{provider} left out {what}: page {cut} was cut short, and more came after."
                )
            if not last:
                ahead.fill(progress.pages_planned(expected))
            yield page_of(number, new, rows=rows, total=progress.total, requests=made, last=last)
            if last:
                return
            made = 0
    finally:
        ahead.close()


class _Progress(Generic[E]):
    """How far a listing has come: what was seen, what was announced, whether it is over. Of the
    entries only the identities are kept.

    Every page may announce a total. The smallest must be reached before the listing counts as
    complete: records created at the POS meanwhile increase it and push others onto the next page,
    where they are repeats, but nothing is lost by that.
    """

    def __init__(self, size: int, identity: Callable[[E], Hashable], start_page: int) -> None:
        self._size = size
        self._identity = identity
        self._pages_before = start_page - 1
        self._learned = False
        self._seen: set[Hashable] = set()
        self.smallest_total: int | None = None
        self.total: int | None = None
        self.rows = self._pages_before * size
        self.ended = False
        self.misjudged = False
        """Whether the first page was taken as full, and a later one holds more."""

    def pages_planned(self, expected: int | None) -> int | None:
        """How many pages the listing should have; None where that is not known."""
        records = self.total if self.total is not None else expected
        return None if records is None else max(1, -(-records // self._size))

    def learn_size(self, fetch: Callable[[int], FetchedPage[E]], first: FetchedPage[E]) -> int:
        """Find out whether the service gives fewer at once than it is asked for. Returns the calls
        made, those for the first page included.

        A first page that is not full may be all that it gives at once where more are announced, or
        nothing is and so many are a usual limit. It is, if page 2 has as many other rows, or just
        the rest of what was announced.
        """
        rows, total = len(first.entries), first.total
        perhaps_full = rows < total if total is not None else rows in _USUAL_LIMITS
        if not 0 < rows < self._size or not perhaps_full:
            return first.requests
        try:
            second = fetch(2)
        except StatusRefused:  # as some answer behind the end
            return first.requests + 1
        others = {*map(self._identity, second.entries)} - {*map(self._identity, first.entries)}
        if others and len(second.entries) in (rows, total and total - rows):
            self._size, self._learned = rows, True
            self.rows = self._pages_before * rows
        return first.requests + second.requests

    def new_rows(self, entries: Sequence[E]) -> int:
        """Rows that repeat no earlier page. Repeats within the page count: a service that lists a
        record twice also has it twice in its total."""
        return sum(self._identity(entry) not in self._seen for entry in entries)

    def times_to_ask_again(self, page: FetchedPage[E], followed: Callable[[], bool]) -> int:
        """How often to ask again for a page that came like this before it is believed.

        ``followed`` says whether new rows were seen on the page after it.
        """
        rows = self.new_rows(page.entries)
        full = len(page.entries) >= self._size
        if full and rows:
            return 0
        announced = self._smallest(page)
        if announced is not None:
            return _ASK_AGAIN_CUT_SHORT if self.rows + rows < announced else 0
        if followed():
            return _ASK_AGAIN_CUT_SHORT
        return _ASK_AGAIN_FULL_OF_REPEATS if full else 0

    def accept(self, page: FetchedPage[E]) -> tuple[tuple[E, ...], int]:
        """Count a page in. Returns its entries without any repeats, and its new rows."""
        entries = page.entries
        rows = self.new_rows(entries)
        self.smallest_total = self._smallest(page)
        self.total = page.total if _believable(page) else self.total
        new = {key: entry for entry in entries if (key := self._identity(entry)) not in self._seen}
        self._seen.update(new)
        self.misjudged |= self._learned and len(entries) > self._size
        self.rows += rows
        # More rows than announced: the total is wrong, only a page that is not full ends it.
        self.ended = self.rows == self.total or not rows or len(entries) < self._size
        return tuple(new.values()), rows

    def _smallest(self, page: FetchedPage[E]) -> int | None:
        totals = (self.smallest_total, page.total if _believable(page) else None)
        return min((total for total in totals if total is not None), default=None)


def _believable(page: FetchedPage[E]) -> bool:
    """A total below the page's own rows is no total."""
    return page.total is not None and page.total >= len(page.entries)


class _Prefetch(Generic[E]):
    """Fetches pages ahead of their reader, in threads: at most ``in_flight`` are under way or wait
    for the reader. Where the number of pages is not known, or was too low, it asks for one page,
    then two, four, …: a short listing costs no call too many."""

    def __init__(
        self, fetch: Callable[[int], FetchedPage[E]], in_flight: int, start_page: int
    ) -> None:
        self._fetch = fetch
        self._in_flight = in_flight
        self._ramp = 1
        self._taken = start_page - 1
        self._next = start_page
        self._pending: deque[Future[FetchedPage[E]]] = deque()
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="pos-page")

    def fill(self, planned: int | None) -> None:
        """Ask for as many more pages as make sense when the listing has ``planned`` pages."""
        known = planned or 0
        beyond = self._taken > known
        self._ramp = min(self._ramp * 2, self._in_flight) if beyond else 1
        while len(self._pending) < (self._in_flight if self._next <= known else self._ramp):
            # Each call its own copy: log fields of the run, such as its id, go along.
            self._pending.append(self._pool.submit(copy_context().run, self._fetch, self._next))
            self._next += 1

    def take(self) -> FetchedPage[E]:
        """The next page in order. Waits for it: ``fetch`` has a time limit of its own."""
        page = self._pending.popleft().result()
        self._taken += 1
        return page

    def peek(self) -> FetchedPage[E] | None:
        """The page after the one taken last, where it was asked for already and comes soon."""
        if not self._pending:
            return None
        following = self._pending[0]
        wait([following], _PEEK_SECONDS)
        return following.result() if following.done() and not following.exception() else None

    def close(self) -> None:
        """Ask for nothing more. Calls under way end by their own time limit, unheard."""
        self._pool.shutdown(wait=False)


class ReadAhead(Generic[R]):
    """Reads a listing in a thread of its own, ``most`` pages before its reader, and not past a page
    that is ``enough``. To be closed, wherever its reader has come to."""

    def __init__(
        self,
        pages: Generator[Page[R], None, None],
        enough: Callable[[Page[R]], bool],
        most: int = READ_AHEAD_PAGES,
    ) -> None:
        self._pages = pages
        self._enough = enough
        self._read: SimpleQueue[Page[R] | BaseException | None] = SimpleQueue()
        self._room = Semaphore(most - 1)
        self._closed = Event()
        run = copy_context().run
        Thread(target=run, args=(self._work,), name="read-ahead", daemon=True).start()

    def __iter__(self) -> Generator[Page[R], None, None]:
        """The pages in order. Raises what the listing raises. Each wait lasts as long as a page
        takes, which has a time limit of its own."""
        try:
            while not self._closed.is_set():
                found = self._read.get()
                if found is None:
                    return
                if isinstance(found, BaseException):
                    raise found
                self._room.release()
                yield found
        finally:
            self.close()

    def close(self) -> None:
        """Ask for nothing more."""
        self._closed.set()
        self._room.release()

    def _work(self) -> None:
        try:
            with closing(self._pages) as pages:
                for page in pages:
                    self._read.put(page)
                    self._room.acquire()
                    if self._closed.is_set() or self._enough(page):
                        break
        except BaseException as error:  # the reader's to handle
            self._read.put(error)
        else:
            self._read.put(None)
