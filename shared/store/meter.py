"""What Firestore bills."""

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Meter:
    """Documents read, written and deleted. Safe to share between threads."""

    reads: int = 0
    writes: int = 0
    deletes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, reads: int = 0, writes: int = 0, deletes: int = 0) -> None:
        with self._lock:
            self.reads += reads
            self.writes += writes
            self.deletes += deletes
