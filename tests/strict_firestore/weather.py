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


class Weather:
    """The faults of one proxy; none at first. Safe to use from several threads.

    ``contention``: the share of the commits, among those that write a document while another
    commit writes it, that are aborted. Draws are by ``seed``.
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._written_now: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self.clear(seed)

    def clear(self, seed: int = 0) -> None:
        """Fair weather, and the dice as at the start."""
        with self._lock:
            self._dice = Random(seed)
            self._faults: list[Fault] = []
            self._latencies: list[Latency] = []
            self._contention = 0.0

    def add_fault(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def add_latency(self, latency: Latency) -> None:
        with self._lock:
            self._latencies.append(latency)

    def set_contention(self, share: float) -> None:
        with self._lock:
            self._contention = share

    def fault(self, rpc: str, names: Sequence[str] = ()) -> Fault | None:
        """Draw for one call: the fault that hits it, whose count goes down."""
        with self._lock:
            self._calls[rpc] += 1
            for fault in self._faults:
                if fault.fits(rpc, names) and self._dice.random() < fault.share:
                    if fault.count is not None:
                        fault.count -= 1
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
        """While a commit writes these documents. Raises Refused where another does and the
        dice say so."""
        distinct = set(names)
        with self._lock:
            overlap = any(self._written_now[name] for name in distinct)
            if overlap and self._dice.random() < self._contention:
                raise Refused(grpc.StatusCode.ABORTED, CONTENTION, by_limit=False)
            self._written_now.update(distinct)
        try:
            yield
        finally:
            with self._lock:
                self._written_now.subtract(distinct)
                for name in distinct:
                    if not self._written_now[name]:
                        del self._written_now[name]

    def calls(self) -> dict[str, int]:
        """How often each RPC was called so far, refused calls apart."""
        with self._lock:
            return dict(self._calls)


def answer(fault: Fault) -> Refused:
    """What the client is told."""
    lost = "its answer was lost" if fault.applied else "it was not done"
    message = f"{fault.status} by order of the test: {lost}"
    return Refused(grpc.StatusCode[fault.status], message, by_limit=False)
