"""The clock, passed in wherever time matters, and the time limit of one invocation."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class OutOfTime(Exception):
    """The invocation's time is up: keep what is done and leave the rest to a continuation."""


class Deadline:
    """A time limit of ``seconds`` from now, by a clock that is never set."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    @property
    def passed(self) -> bool:
        return self._monotonic() >= self._end

    def check(self) -> None:
        """Raise OutOfTime once the deadline has passed."""
        if self.passed:
            raise OutOfTime
