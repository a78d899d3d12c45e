"""How often an account at Lightspeed X-Series may be called: 300 times for each register, and 50
times, in 5 minutes (https://x-series-api.lightspeedhq.com/docs/rate_limiting).

The limit is of all instances together, so calls are reserved, a block at a time, where all see it.
To reserve costs a read and a write: a few calls, as a sync of an org where nothing changed makes,
are made without, and the 50 are left to these. Each reply says how many calls are left; once that
is less than the 50 every call is reserved.
"""

from collections.abc import Callable, Mapping
from threading import Lock

SECONDS = 300
UNRESERVED = 50
"""Calls of the limit that are not reserved."""
USUAL_LIMIT = 300 + UNRESERVED
"""Of an account with one register; until a reply says what the limit is."""
FREE_CALLS = 12
"""Calls that a client makes before it reserves any."""
_LIMIT, _REMAINING = "X-RateLimit-Limit", "X-RateLimit-Remaining"

Take = Callable[[], None]
"""Returns when the next reserved call may be made; raises OutOfTime where that is too late."""


class CallBudget:
    """The calls that one client makes. ``reserving`` is given how many calls in SECONDS all clients
    of the account may reserve. Thread-safe."""

    def __init__(self, reserving: Callable[[int], Take]) -> None:
        self._reserving = reserving
        self._lock = Lock()
        self._free = FREE_CALLS
        self._limit = USUAL_LIMIT
        self._take: Take | None = None

    def take(self) -> None:
        """Return when a call may be made. Raises OutOfTime where that is too late."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            if self._take is None:
                self._take = self._reserving(max(1, self._limit - UNRESERVED))
            take = self._take
        take()

    def heard(self, headers: Mapping[str, str]) -> None:
        """Note what the headers of a reply say about the limit."""
        limit, remaining = _number(headers.get(_LIMIT)), _number(headers.get(_REMAINING))
        with self._lock:
            if limit:
                self._limit = limit
            if remaining is not None and remaining < UNRESERVED:
                self._free = 0


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None
