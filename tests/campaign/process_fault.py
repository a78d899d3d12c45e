"""A worker is killed or stopped at a commit of its own. The product has no hook for it."""

import itertools
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from google.cloud.firestore_v1.batch import WriteBatch

from tests.campaign.exchange import exchange

SIGNALS = {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class ProcessFault:
    """The process is killed or stopped at its ``commit``-th commit, before it is sent or after it
    was answered. One that is stopped is woken ``seconds`` later."""

    kind: Literal["killed", "stopped"]
    commit: int
    side: Literal["before", "after"]
    seconds: float = 0

    def __str__(self) -> str:
        woken = f" for {self.seconds:g} s" if self.kind == "stopped" else ""
        return f"{self.kind}{woken} {self.side} commit {self.commit}"

    def strike(self) -> None:
        """Let it happen to this process."""
        # At this thread: a signal at the process may go to another, and this one on for a while.
        signal.pthread_kill(threading.get_ident(), SIGNALS[self.kind])


class CommitHook:
    """Counts this process's commits, and lets the fault happen that it is armed with."""

    def __init__(self) -> None:
        self._commit: Callable[..., Any] = WriteBatch.commit
        self._lock = threading.Lock()
        self.arm(None)
        exchange(WriteBatch, "commit", lambda *args, **options: self._struck(*args, **options))

    def arm(self, fault: ProcessFault | None) -> None:
        """Count from one again, up to another fault."""
        self._fault = fault
        self._numbers = itertools.count(1)

    def _struck(self, batch: WriteBatch, *args: Any, **options: Any) -> Any:
        with self._lock:
            number, fault = next(self._numbers), self._fault
        here = fault if fault and number == fault.commit else None
        if here and here.side == "before":
            here.strike()
        answer = self._commit(batch, *args, **options)
        if here and here.side == "after":
            here.strike()
        return answer


LIKELY = {"org_sync": (0.4, 0.55), "spending": (0.2, 0.28), "cron_fanout": (0.15, 0.2)}
"""Up to where of 1 a delivery to the function is killed, and up to where stopped."""
ELSE = (0.2, 0.25)


def draw(dice: Random, function: str, lease_seconds: float) -> ProcessFault | None:
    """The fault of a delivery, if any. Where its worker makes fewer commits, nothing happens."""
    killed, stopped = LIKELY.get(function, ELSE)
    fate = dice.random()
    commit = min(1 + int(dice.expovariate(0.4)), 14)
    side: Literal["before", "after"] = dice.choice(("before", "after"))
    if fate < killed:
        return ProcessFault("killed", commit, side)
    if fate < stopped:
        return ProcessFault(
            "stopped", commit, side, round(lease_seconds * dice.uniform(0.5, 1.8), 1)
        )
    return None
