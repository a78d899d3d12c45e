"""How long this invocation may still work."""

import time
from collections.abc import Callable


class OutOfTime(Exception):
    """The invocation's time is up: keep what is done, let a continuation take over."""


class Deadline:
    """``seconds`` from now on a clock that nobody sets."""

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
