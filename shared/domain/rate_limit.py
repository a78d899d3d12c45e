"""Rate limits over sliding windows: when the next calls may be made, given those already placed.

Moments are whole milliseconds since 1970, on one clock for all who share the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SECOND_MS = 1000
SECOND_LATENESS_MS = 100
LATENESS_SHARE = 0.05
"""How much later than its moment a call may leave, as a share of the shortest limit's seconds (of
one second: SECOND_LATENESS_MS). Windows are as much longer, so that late calls keep the limits."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``calls`` within any ``seconds``."""

    calls: int
    seconds: int


def lateness_ms(limits: Sequence[Limit]) -> int:
    """How late a call may leave under these limits."""
    shortest = min((limit.seconds for limit in limits), default=0)
    return SECOND_LATENESS_MS if shortest == 1 else int(shortest * SECOND_MS * LATENESS_SHARE)


def windows_ms(limits: Sequence[Limit]) -> list[tuple[int, int]]:
    """Each limit's calls and its window, as it is counted."""
    late = lateness_ms(limits)
    return [(limit.calls, limit.seconds * SECOND_MS + late) for limit in limits]


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
    second spread over it. ``taken`` are the moments given before, oldest first; those that no
    window reaches any more may be missing."""
    moments = list(taken)
    free_at = None
    windows = windows_ms(limits)
    second = SECOND_MS + SECOND_LATENESS_MS
    apart = max((second // limit.calls for limit in limits if limit.seconds == 1), default=0)
    while len(moments) - len(taken) < wanted:
        # A full window waits until the oldest of its calls leaves it.
        waits = (moments[-calls] + window for calls, window in windows if len(moments) >= calls)
        at = max((now, *(last + apart for last in moments[-1:]), *waits))
        if at > until:
            free_at = at
            break
        moments.append(at)
    return Placed(tuple(moments[len(taken) :]), free_at)


def still_counted(taken: Sequence[int], limits: Sequence[Limit], now: int) -> list[int]:
    """The moments that a window of ``limits`` still reaches at ``now``."""
    longest = max((window for _, window in windows_ms(limits)), default=0)
    return [moment for moment in taken if moment > now - longest]
