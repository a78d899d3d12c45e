"""How much work an instance takes on at once: what it has memory for, whatever its concurrency.

A run that grows past the instance's memory ends every run beside it. So work that comes while
others are under way is refused once memory is short; it is delivered again, here or elsewhere.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import RetryLater

MIB = 2**20


class NoRoom(RetryLater):
    """The instance has no memory for more work at the moment."""

    code = "no_memory"


def resident_bytes() -> int:
    """The memory that this process uses; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


class Admission:
    """Counts the work under way. ``limit_mb`` is the instance's memory in MiB, None where it is not
    known: everything is taken on then. ``room_mb`` is what one more may need. Safe for threads."""

    def __init__(
        self,
        limit_mb: int | None = None,
        *,
        room_mb: int = 0,
        resident: Callable[[], int] = resident_bytes,
    ) -> None:
        self._limit = limit_mb
        self._room = room_mb
        self._resident = resident
        self._lock = threading.Lock()
        self._under_way = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Take work on. Raises NoRoom where memory is short and other work is under way: alone it
        is always taken on, or an instance that has grown would take none for good."""
        with self._lock:
            if self._under_way and self._is_short():
                raise NoRoom(f"{self._under_way} at work here, and no memory for one more")
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _is_short(self) -> bool:
        if self._limit is None:
            return False
        return self._resident() + self._room * MIB > self._limit * MIB
