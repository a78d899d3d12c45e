"""Permits for calls to an account whose provider limits them, held across instances."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from shared.clock import Clock, OutOfTime
from shared.domain.rate_limit import Limit, lateness_ms
from shared.store import rate_limit
from shared.store.database import Database

BLOCK = 10
"""Enough for retries."""


class OutOfPermits(OutOfTime):
    """The rate limit allows no further call within this invocation, but one at ``free_at``."""

    def __init__(self, free_at: datetime) -> None:
        super().__init__()
        self.free_at = free_at


class Permits:
    """Permits of one account for one invocation, which ends at ``until`` (aware UTC). ``block`` are
    reserved where more calls are made than were expected. Safe for threads. Without limits nothing
    is taken and nothing waits."""

    def __init__(
        self,
        database: Database,
        account: str,
        limits: Sequence[Limit],
        *,
        until: datetime,
        clock: Clock,
        block: int = BLOCK,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._account = account
        self._limits = limits
        self._until = _milliseconds(until)
        self._clock = clock
        self._block = block
        self._sleep = sleep
        self._moments: deque[int] = deque()
        self._missed: deque[int] = deque()
        self._lock = threading.Lock()

    @property
    def limited(self) -> bool:
        return bool(self._limits)

    def expect(self, calls: int) -> int:
        """Reserve permits for so many calls; how many there are, fewer where time or the limit runs
        out. Raises OutOfPermits where there is none."""
        if not self._limits:
            return calls
        with self._lock:
            while self._moments and self._late(self._moments[0]):
                self._missed.append(self._moments.popleft())
            missing = calls - len(self._moments)
            if missing > 0:
                self._reserve(missing)
            return min(calls, len(self._moments))

    def take(self) -> None:
        """Wait until the next call may be made. Raises OutOfPermits."""
        while self._limits:
            moment = self._next()
            wait = moment - _milliseconds(self._clock())
            if wait > 0:
                self._sleep(wait / 1000)
            if not self._late(moment):
                return
            self._missed.append(moment)

    def _next(self) -> int:
        """The next moment. A missed one is exchanged for a later one, since others have been given
        those after it; it is used where no later one is left."""
        with self._lock:
            if not self._moments:
                try:
                    self._reserve(max(self._block, len(self._missed)))
                except OutOfPermits:
                    if not self._missed:
                        raise
                    self._missed.popleft()
                    return _milliseconds(self._clock())
            return self._moments.popleft()

    def _late(self, moment: int) -> bool:
        return _milliseconds(self._clock()) - moment > lateness_ms(self._limits)

    def _reserve(self, wanted: int) -> None:
        placed = rate_limit.reserve(
            self._database,
            self._account,
            self._limits,
            wanted=wanted,
            now=_milliseconds(self._clock()),
            until=self._until,
            unused=self._missed,
        )
        if placed.moments:
            self._missed.clear()
            self._moments.extend(placed.moments)
        elif not self._moments:
            assert placed.free_at is not None
            raise OutOfPermits(datetime.fromtimestamp(placed.free_at / 1000, UTC))


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
