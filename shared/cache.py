"""Values that an instance keeps in memory for a while."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import Cache, TLRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """How many values are ``valid``, how many have ``expired`` and were still in memory, the mean
    age of the valid ones in seconds; how often a value was found and was not since the start."""

    valid: int
    expired: int
    average_age: float
    hits: int
    misses: int

    @property
    def size(self) -> int:
        return self.valid + self.expired

    @property
    def hit_rate(self) -> float | None:
        """The share of hits; None before anything was looked for."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    since: float
    until: float


class ExpiringCache(Generic[K, V]):
    """The values last used, ``size`` at most. Safe for threads; None is not kept."""

    def __init__(self, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._hits = self._misses = 0
        self._kept: TLRUCache[K, _Kept[V]] = TLRUCache(
            size, ttu=lambda _key, kept, _now: kept.until, timer=monotonic
        )

    def get(self, key: K) -> V | None:
        with self._lock:
            kept = self._kept.get(key)
            self._hits += kept is not None
            self._misses += kept is None
        return None if kept is None else kept.value

    def put(self, key: K, seconds: float, value: V) -> V:
        """Keep the value for so many seconds, and return it."""
        if value is not None:
            with self._lock:
                now = self._monotonic()
                self._kept[key] = _Kept(value, now, now + seconds)
        return value

    def statistics(self) -> CacheStatistics:
        """The statistics of this moment. What has expired is dropped."""
        with self._lock:
            now = self._monotonic()
            expired = len(list(self._kept.expire(now)))
            # Not by the cache's own look-up, after which they would be the last ones used.
            ages = [now - Cache.__getitem__(self._kept, key).since for key in self._kept]
            return CacheStatistics(
                valid=len(ages),
                expired=expired,
                average_age=sum(ages) / len(ages) if ages else 0.0,
                hits=self._hits,
                misses=self._misses,
            )

    def get_or(self, key: K, seconds: float, make: Callable[[], V]) -> V:
        """The value that is kept, else one that ``make`` makes, kept for so many seconds. Two
        callers who miss it at once both make one."""
        kept = self.get(key)
        return self.put(key, seconds, make()) if kept is None else kept


class CountingWindow(Generic[K]):
    """How often each key was counted within ``seconds`` of its first count; the keys last counted,
    ``size`` at most. Safe for threads."""

    def __init__(
        self, size: int, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._counting = threading.Lock()
        self._counts = ExpiringCache[K, tuple[float, int]](size, monotonic)

    def so_far(self, key: K) -> tuple[int, float]:
        """The count, and in how many seconds it begins anew; both 0 before the first."""
        since, count = self._counts.get(key) or (0.0, 0)
        return count, max(0.0, since + self._seconds - self._monotonic()) if count else 0.0

    def count(self, key: K) -> tuple[int, float]:
        """Count once more; the same, this time included."""
        with self._counting:
            now = self._monotonic()
            since, count = self._counts.get(key) or (now, 0)
            left = max(since + self._seconds - now, 0.001)
            self._counts.put(key, left, (since, count + 1))
        return count + 1, left
