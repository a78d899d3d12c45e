"""How long one answer takes, many times over."""

import time
from collections.abc import Callable, Sequence

WARM_UP = 10


def latency(work: Callable[[], object], calls: int) -> dict[str, float]:
    """Milliseconds of ``calls`` runs of ``work``, as ``p50`` and ``p95``, after a few that do not
    count."""
    for _ in range(min(calls, WARM_UP)):
        work()
    taken = []
    for _ in range(calls):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return {"p50": _percentile(taken, 0.5), "p95": _percentile(taken, 0.95)}


def _percentile(taken: Sequence[float], share: float) -> float:
    return round(sorted(taken)[min(int(len(taken) * share), len(taken) - 1)], 2)
