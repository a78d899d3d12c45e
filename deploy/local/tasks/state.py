"""What one Cloud Tasks queue knows: its tasks, whose turn it is, and the names that are taken.

Pure: no threads, no clock. Times are POSIX seconds, given by the caller.
"""

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.resources import Queue

# A name stays taken this long after its task has ended.
REMEMBERED_SECONDS = 3600.0
# Less than this is no wait: added to a time in POSIX seconds it may not change it.
RESOLUTION_SECONDS = 1e-6


class NameTaken(Exception):
    """A task of that name lives, or ended less than REMEMBERED_SECONDS ago."""


@dataclass(slots=True)
class Pending:
    """A task that has not ended. ``task`` is the API's own record of it."""

    task: Any
    due: float
    attempts: int = 0
    responses: int = 0
    first_attempt: float | None = None
    deleted: bool = False


@dataclass(slots=True)
class QueueState:
    """One queue."""

    settings: Queue
    pending: dict[str, Pending] = field(default_factory=dict)
    running: int = 0
    _ended: dict[str, float] = field(default_factory=dict)
    # By due time. Entries of tasks that were deleted meanwhile stay until they come to the top.
    _waiting: list[tuple[float, int, Pending]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _tokens: float = math.inf  # as full as the bucket goes
    _refilled: float = 0.0

    @property
    def burst(self) -> float:
        """Tokens the bucket holds: Cloud Tasks takes a fifth of the rate, and at least one."""
        return max(1.0, self.settings.rate_limits.max_dispatches_per_second / 5)

    def create(self, name: str, task: Any, due: float, now: float) -> Pending:
        """Add a task. Raises NameTaken."""
        ended = self._ended.get(name)
        if name in self.pending or (ended is not None and now - ended < REMEMBERED_SECONDS):
            raise NameTaken(name)
        self._ended.pop(name, None)
        added = self.pending[name] = Pending(task, max(due, now))
        self._wait(added)
        return added

    def delete(self, name: str, now: float) -> None:
        """End a task; an attempt under way is not stopped, but will be the last. KeyError when
        there is none."""
        self.pending.pop(name).deleted = True
        self._ended[name] = now

    def take(self, now: float) -> Pending | None:
        """The task whose attempt begins now, if one is due and the rate limits let it."""
        if self.wait_seconds(now) != 0:
            return None
        taken = heapq.heappop(self._waiting)[2]
        self._tokens -= 1
        self.running += 1
        taken.attempts += 1
        taken.first_attempt = now if taken.first_attempt is None else taken.first_attempt
        return taken

    def wait_seconds(self, now: float) -> float | None:
        """How long until ``take`` gives something; None: not before something changes."""
        while self._waiting and self._waiting[0][2].deleted:
            heapq.heappop(self._waiting)
        if not self._waiting or self.running >= self.settings.rate_limits.max_concurrent_dispatches:
            return None
        self._refill(now)
        until_token = (1 - self._tokens) / self.settings.rate_limits.max_dispatches_per_second
        wait = max(until_token, self._waiting[0][0] - now)
        return wait if wait > RESOLUTION_SECONDS else 0.0

    def attempted(self, name: str, taken: Pending, ok: bool, answered: bool, now: float) -> None:
        """Note how the attempt that ``take`` began went."""
        self.running -= 1
        taken.responses += answered
        if taken.deleted:
            return
        if ok or self._exhausted(taken, now):
            del self.pending[name]
            self._ended[name] = now
        else:
            taken.due = now + backoff_seconds(self.settings, taken.attempts)
            self._wait(taken)

    def forget_old(self, now: float) -> None:
        """Drop the names that are free again."""
        # The names are in the order in which their tasks ended.
        while self._ended and now - next(iter(self._ended.values())) >= REMEMBERED_SECONDS:
            del self._ended[next(iter(self._ended))]

    def _wait(self, pending: Pending) -> None:
        heapq.heappush(self._waiting, (pending.due, next(self._numbers), pending))

    def _exhausted(self, taken: Pending, now: float) -> bool:
        """Attempts and time must both be used up, where both are limited."""
        retry = self.settings.retry
        if retry.max_attempts == -1 and not retry.max_retry_seconds:
            return False
        out_of_attempts = retry.max_attempts == -1 or taken.attempts >= retry.max_attempts
        elapsed = now - (taken.first_attempt or now)
        return out_of_attempts and elapsed >= retry.max_retry_seconds

    def _refill(self, now: float) -> None:
        rate = self.settings.rate_limits.max_dispatches_per_second
        self._tokens = min(self.burst, self._tokens + (now - self._refilled) * rate)
        self._refilled = now


def backoff_seconds(settings: Queue, attempts: int) -> float:
    """The pause after that many failed attempts: doubles ``max_doublings`` times from the
    minimum, then grows by the last doubling's step, never over the maximum."""
    retry = settings.retry
    doublings = min(attempts - 1, retry.max_doublings)
    step = retry.min_backoff_seconds * 2.0 ** min(doublings, 64)
    extra = attempts - 1 - doublings
    return min(retry.max_backoff_seconds, step * (1 + extra))
