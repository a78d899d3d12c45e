"""Listings that come in numbered pages: several in flight, given out in order, proved complete.

Pure of HTTP: it is told how to fetch page n and how to tell entries apart.
"""

from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

import structlog

from shared.errors import ListingIncomplete
from shared.pos.failures import Refused
from shared.pos.lookahead import LookAhead
from shared.pos.progress import Progress

E = TypeVar("E")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PageSettings:
    """``size`` is what a full page holds, ``in_flight`` how many are asked for at once."""

    size: int = 100
    in_flight: int = 8


@dataclass(frozen=True, slots=True)
class Fetched(Generic[E]):
    """A page as it came. ``total`` is the whole listing's count, where the page says so."""

    entries: Sequence[E]
    total: int | None
    requests: int


@dataclass(frozen=True, slots=True)
class Listed(Generic[E]):
    """A page as given out. ``entries`` are those not seen before; ``rows`` also counts repeats
    within the page itself, but none of earlier pages."""

    number: int
    entries: tuple[E, ...]
    rows: int
    total: int | None
    requests: int
    last: bool


def list_pages(
    fetch: Callable[[int], Fetched[E]],
    identity: Callable[[E], Hashable],
    *,
    provider: str,
    what: str,
    settings: PageSettings,
    expected: int | None = None,
    start_page: int = 1,
) -> Generator[Listed[E], None, None]:
    """Every page of a listing from ``start_page`` on; the pages before it count as seen in full.

    It ends on a page that is not full, on the announced total, and on a page that brings nothing
    new. An end is doubted, and its page asked for again, where the total or the page after it says
    that there is more, and where the page is full of repeats. A service that gives fewer at once
    than it is asked for is found out by its first two pages. ``provider`` ("The POS at
    app.alleaves.com") and ``what`` ("orders") are for messages; ``expected`` is a guess of the
    total that only steers how far ahead to ask. Raises ListingIncomplete, and what ``fetch``
    raises.
    """
    progress: Progress[E] = Progress(settings.size, identity, start_page)
    ahead = LookAhead(fetch, settings.in_flight, start_page)

    def followed() -> bool:
        following = ahead.peek()
        return following is not None and progress.new_rows(following.entries) > 0

    try:
        made = _learn_size(progress, fetch, fetch(1)) if start_page > 1 else 0
        ahead.fill(progress.pages_planned(expected))
        for number in count(start_page):
            page = ahead.take()
            made += _learn_size(progress, fetch, page) if number == 1 else page.requests
            asked_again = 0
            while asked_again < progress.times_to_ask_again(page.entries, page.total, followed):
                asked_again += 1
                _log.info("page_asked_for_again", what=what, page=number, rows=len(page.entries))
                page = fetch(number)
                made += page.requests
            new, rows = progress.accept(page.entries, page.total)
            last = progress.ended
            if last and progress.short_of_total:
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
            yield Listed(number, new, rows, progress.total, made, last)
            if last:
                return
            made = 0
    finally:
        ahead.close()


def _learn_size(
    progress: Progress[E], fetch: Callable[[int], Fetched[E]], first: Fetched[E]
) -> int:
    """Find out whether the service gives fewer at once than it is asked for. Returns the calls
    made, those for the first page included."""
    if not progress.perhaps_full(first.entries, first.total):
        return first.requests
    try:
        second = fetch(2)
    except Refused:  # as some answer behind the end
        return first.requests + 1
    progress.learn_size(first.entries, second.entries, first.total)
    return first.requests + second.requests
