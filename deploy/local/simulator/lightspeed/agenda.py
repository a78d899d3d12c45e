"""What happens later: webhooks that are delivered again, eCom orders that arrive."""

import heapq
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Condition, Event, Thread

_WORKERS = 8
_LOOK_SECONDS = 0.2


class Agenda:
    """Does things at their time, several at once, until ``stopping`` is set; what is due later is
    then not done."""

    def __init__(self, stopping: Event) -> None:
        self._stopping = stopping
        self._changed = Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._thread: Thread | None = None

    def add(self, seconds: float, do: Callable[[], None]) -> None:
        """Do this so many seconds from now."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), do))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="lightspeed-agenda", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="lightspeed-agenda")
        while not self._stopping.is_set():
            with self._changed:
                left = self._due[0][0] - time.monotonic() if self._due else _LOOK_SECONDS
                if left > 0:
                    self._changed.wait(min(left, _LOOK_SECONDS))
                    continue
                _, _, do = heapq.heappop(self._due)
            workers.submit(do)
        workers.shutdown(wait=False, cancel_futures=True)
