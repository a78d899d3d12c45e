"""Pages fetched ahead of their reader, in threads."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Generic, TypeVar

P = TypeVar("P")

_PEEK_SECONDS = 5.0


class LookAhead(Generic[P]):
    """Keeps up to ``in_flight`` pages under way or waiting for their reader, never more.

    Where the number of pages is known it asks for just those. Where it is not, or the listing goes
    on beyond it, it asks for one page, then two, four, …: a short listing costs no call too many.
    """

    def __init__(self, fetch: Callable[[int], P], in_flight: int, start_page: int) -> None:
        self._fetch = fetch
        self._in_flight = in_flight
        self._ramp = 1
        self._taken = start_page - 1
        self._next = start_page
        self._pending: deque[Future[P]] = deque()
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

    def take(self) -> P:
        """The next page in order. Waits for it: ``fetch`` has a time limit of its own."""
        page = self._pending.popleft().result()
        self._taken += 1
        return page

    def peek(self) -> P | None:
        """The page after the one taken last, where it was asked for already and comes soon."""
        if not self._pending:
            return None
        following = self._pending[0]
        wait([following], _PEEK_SECONDS)
        return following.result() if following.done() and not following.exception() else None

    def close(self) -> None:
        """Ask for nothing more. Calls under way end by their own time limit, unheard."""
        self._pool.shutdown(wait=False)
