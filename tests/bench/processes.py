"""What processes use: processor time and resident memory, each with its descendants."""

import contextlib
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import psutil

LOOK_SECONDS = 0.05
MIB = 2**20


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its living descendants have used so far."""
    total = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


class PeakMemory:
    """A context manager that looks at a process's resident memory over and over.

    Pages that a process shares with its descendants count for each of them: the sum is never
    less than what the whole takes.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self.before_mib = round(_resident(self._pid) / MIB, 1)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def mib(self) -> float:
        """The most that was seen."""
        return round(self._peak / MIB, 1)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self._peak = max(self._peak, _resident(self._pid))


def _resident(pid: int) -> int:
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def _tree(pid: int) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        yield process
        yield from process.children(recursive=True)
