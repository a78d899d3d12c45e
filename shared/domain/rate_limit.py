"""Rate limits over sliding windows: when the next calls may be made, given those already placed.

Moments are whole milliseconds since 1970, on one clock for all who share the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SECOND_LATENESS_MS = 100
LATENESS_SHARE = 0.05
"""How much later than its moment a call may leave, as a share of its limit's seconds (of one
second: SECOND_LATENESS_MS). Windows are counted longer by as much, so that the calls themselves,
not only their moments, keep within the limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``calls`` within any ``seconds``."""

    calls: int
    seconds: int

    @property
    def lateness_ms(self) -> int:
        if self.seconds == 1:
            return SECOND_LATENESS_MS
        return int(self.seconds * 1000 * LATENESS_SHARE)

    @property
    def window_ms(self) -> int:
        return self.seconds * 1000 + self.lateness_ms


def lateness_ms(limits: Sequence[Limit]) -> int:
    """How late a call may leave under all of the limits."""
    return min((limit.lateness_ms for limit in limits), default=0)


@dataclass(frozen=True, slots=True)
class Placed:
    """Moments given to calls, oldest first. ``free_at``: when the first call that was asked for
    but not placed could be made; None where all were placed."""

    moments: tuple[int, ...]
    free_at: int | None


def place(
    taken: Sequence[int], limits: Sequence[Limit], *, wanted: int, now: int, until: int
) -> Placed:
    """The earliest moments from ``now`` to ``until`` for up to ``wanted`` calls, those of one
    second spread over it.

    ``taken`` are the moments given before, oldest first; those that no window reaches any more
    may be missing.
    """
    moments = list(taken)
    before = len(moments)
    apart = max(
        (limit.window_ms // limit.calls for limit in limits if limit.seconds == 1), default=0
    )
    for _ in range(wanted):
        last = [moment + apart for moment in moments[-1:]]
        at = max((now, *last, *_waits(moments, limits)))
        if at > until:
            return Placed(tuple(moments[before:]), at)
        moments.append(at)
    return Placed(tuple(moments[before:]), None)


def still_counted(taken: Sequence[int], limits: Sequence[Limit], now: int) -> list[int]:
    """The moments that a window of ``limits`` still reaches at ``now``."""
    longest = max((limit.window_ms for limit in limits), default=0)
    return [moment for moment in taken if moment > now - longest]


def _waits(moments: Sequence[int], limits: Sequence[Limit]) -> list[int]:
    """For each limit that is used up, when its window lets go of the oldest call that fills it."""
    return [
        moments[-limit.calls] + limit.window_ms for limit in limits if len(moments) >= limit.calls
    ]
