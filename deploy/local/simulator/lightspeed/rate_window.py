"""The rate limit: so many calls of a retailer's within a window."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from deploy.local.simulator.lightspeed.spec import RetailerSpec


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the headers of a reply say; ``retry_at`` (Unix seconds) where the call is refused."""

    limit: int
    remaining: int
    retry_at: float | None = None


class RateWindow:
    """The current window begins with the first call after the last has ended. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._ends = 0.0
        self._taken = 0

    def take(self, spec: RetailerSpec) -> Allowance | None:
        """Count a call; None where there is no limit."""
        if spec.rate_window_seconds is None:
            return None
        with self._lock:
            now = self._clock()
            if now >= self._ends:
                self._ends, self._taken = now + spec.rate_window_seconds, 0
            if self._taken >= spec.rate_limit:
                return Allowance(spec.rate_limit, 0, self._ends)
            self._taken += 1
            return Allowance(spec.rate_limit, spec.rate_limit - self._taken)
