"""Values that an instance keeps in memory for a while."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TLRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """The values last used, ``size`` at most. Safe for threads; None is not kept."""

    def __init__(self, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._kept: TLRUCache[K, tuple[V, float]] = TLRUCache(
            size, ttu=lambda _, kept, now: now + kept[1], timer=monotonic
        )

    def get(self, key: K) -> V | None:
        with self._lock:
            kept = self._kept.get(key)
        return None if kept is None else kept[0]

    def put(self, key: K, seconds: float, value: V) -> V:
        """Keep the value for so many seconds, and return it."""
        if value is not None:
            with self._lock:
                self._kept[key] = value, seconds
        return value

    def get_or(self, key: K, seconds: float, make: Callable[[], V]) -> V:
        """The value that is kept, else one that ``make`` makes, kept for so many seconds. Two
        callers who miss it at once both make one."""
        kept = self.get(key)
        return self.put(key, seconds, make()) if kept is None else kept
