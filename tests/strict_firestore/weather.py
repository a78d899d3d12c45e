"""What a Firestore that works may answer all the same: contention, outages, lost answers, delay."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import grpc

from tests.strict_firestore.limits import Refused

HOT_KEPT = 10_000
CONTENTION = "Too much contention on these documents. Please try again."


@dataclass(slots=True)
class Fault:
    """Answers calls of an RPC with an error.

    ``rpc``: ``Commit``, ``RunQuery``, …; None: any. ``count``: how many calls are hit, None: any
    number; ``share``: of the calls. ``applied``: the call is done first and its answer lost; a
    stream breaks after its first message. ``path``: only commits that write a document whose path
    contains this.
    """

    status: str
    rpc: str | None = "Commit"
    count: int | None = 1
    share: float = 1.0
    applied: bool = False
    path: str | None = None

    def __post_init__(self) -> None:
        if self.status not in grpc.StatusCode.__members__:
            raise ValueError(f"no gRPC status: {self.status}")

    def fits(self, rpc: str, names: Sequence[str]) -> bool:
        """Whether it concerns a call that writes these documents."""
        if self.rpc not in (None, rpc) or self.count == 0:
            return False
        return self.path is None or any(self.path in name for name in names)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that every call takes longer: ``fixed``, and up to ``jitter`` more."""

    fixed: float = 0.0
    jitter: float = 0.0
    rpc: str | None = None


@dataclass(frozen=True, slots=True)
class Contention:
    """The share of the commits that are aborted, among those that write a document while another
    commit writes it, or within ``lasting`` seconds after one was let pass: a document that is
    written too often."""

    share: float = 0.0
    lasting: float = 0.0


class Weather:
    """What goes wrong; nothing at first. Draws are by ``seed``. Safe to use from several
    threads."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._dice = Random(seed)
        self._faults: list[Fault] = []
        self._latencies: list[Latency] = []
        self._contention = Contention()
        self._written_now: Counter[str] = Counter()
        self._hot_until: dict[str, float] = {}
        self._injected: Counter[str] = Counter()

    def add_fault(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def add_latency(self, latency: Latency) -> None:
        with self._lock:
            self._latencies.append(latency)

    def set_contention(self, contention: Contention) -> None:
        with self._lock:
            self._contention = contention

    def fault(self, rpc: str, names: Sequence[str] = ()) -> Fault | None:
        """Draw for one call: the fault that hits it, whose count goes down."""
        with self._lock:
            for fault in self._faults:
                if fault.fits(rpc, names) and self._dice.random() < fault.share:
                    if fault.count is not None:
                        fault.count -= 1
                    self._injected[fault.status] += 1
                    return fault
        return None

    def delay(self, rpc: str) -> None:
        """Sleep for as long as a call is to take longer."""
        with self._lock:
            seconds = sum(
                each.fixed + self._dice.random() * each.jitter
                for each in self._latencies
                if each.rpc in (None, rpc)
            )
        if seconds:
            time.sleep(seconds)

    @contextmanager
    def writing(self, names: Sequence[str]) -> Iterator[None]:
        """While a commit writes these documents. Raises Refused where they are contended for and
        the dice say so."""
        distinct = set(names)
        with self._lock:
            contention = self._contention
            contended = contention.share > 0 and self._is_contended(distinct)
            if contended and self._dice.random() < contention.share:
                self._injected["CONTENTION"] += 1
                raise Refused(grpc.StatusCode.ABORTED, CONTENTION, by_limit=False)
            self._written_now.update(distinct)
        try:
            yield
        finally:
            with self._lock:
                self._end(distinct, contention.lasting)

    def injected(self) -> dict[str, int]:
        """How many calls went wrong, by status; CONTENTION: commits that were contended for."""
        with self._lock:
            return dict(self._injected)

    def _is_contended(self, names: set[str]) -> bool:
        now = time.monotonic()
        return any(self._written_now[n] or self._hot_until.get(n, 0.0) > now for n in names)

    def _end(self, names: set[str], lasting: float) -> None:
        self._written_now.subtract(names)
        for name in names:
            if not self._written_now[name]:
                del self._written_now[name]
        if lasting:
            now = time.monotonic()
            if len(self._hot_until) > HOT_KEPT:
                self._hot_until = {n: end for n, end in self._hot_until.items() if end > now}
            self._hot_until.update(dict.fromkeys(names, now + lasting))


class Weathers:
    """The weather of each project. One that nothing was said of has that of all. Safe to use from
    several threads."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._of_all = Weather(seed)
        self._own: dict[str, Weather] = {}

    def of(self, project: str) -> Weather:
        """What holds for a call of the project."""
        return self._own.get(project) or self._of_all

    def to_change(self, project: str | None) -> Weather:
        """A project's own, of all without one; fair where it had none of its own yet."""
        if project is None:
            return self._of_all
        with self._lock:
            return self._own.setdefault(project, Weather(self._seed))

    def clear(self, seed: int, project: str | None) -> None:
        """Fair weather for a project, and its dice as at the start; for all without one."""
        with self._lock:
            if project is None:
                self._of_all, self._own = Weather(seed), {}
            else:
                self._own[project] = Weather(seed)


def answer(fault: Fault) -> Refused:
    """What the client is told."""
    lost = "its answer was lost" if fault.applied else "it was not done"
    message = f"{fault.status} by order of the test: {lost}"
    return Refused(grpc.StatusCode[fault.status], message, by_limit=False)
