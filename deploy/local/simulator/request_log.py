"""How often each org's endpoints were called, how many calls were in flight at once, and for how
long any was."""

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any


class RequestLog:
    """Counts calls. A call whose org is unknown counts under ``unknown``."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._busy_since: dict[str, float] = {}
        self._busy_ms: Counter[str] = Counter()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._statuses: Counter[tuple[str, str]] = Counter()
        self._in_flight: Counter[str] = Counter()
        self._peak: Counter[str] = Counter()

    def clear(self) -> None:
        """Forget what was counted; calls under way go on being counted as in flight."""
        with self._lock:
            self._calls.clear()
            self._statuses.clear()
            self._peak.clear()
            self._busy_ms.clear()
            self._busy_since = dict.fromkeys(self._busy_since, self._monotonic())

    def begin(self, org: str, endpoint: str) -> None:
        """A call arrives."""
        with self._lock:
            self._calls[org, endpoint] += 1
            if not self._in_flight[org]:
                self._busy_since[org] = self._monotonic()
            self._in_flight[org] += 1
            self._peak[org] = max(self._peak[org], self._in_flight[org])

    def end(self, org: str, status: int) -> None:
        """A call was answered."""
        with self._lock:
            self._statuses[org, str(status)] += 1
            self._in_flight[org] -= 1
            if not self._in_flight[org]:
                self._busy_ms[org] += round(1000 * (self._monotonic() - self._busy_since.pop(org)))

    def state(self) -> dict[str, Any]:
        """``{"total": n, "orgs": {org: {"calls": {endpoint: n}, "statuses": {"200": n},
        "peakInFlight": n, "busySeconds": s}}}``; busy is an org with a call in flight."""
        with self._lock:
            orgs: dict[str, dict[str, Any]] = {}
            for (org, endpoint), count in sorted(self._calls.items()):
                entry = orgs.setdefault(org, {"calls": {}, "statuses": {}, "peakInFlight": 0})
                entry["calls"][endpoint] = count
                entry["peakInFlight"] = self._peak[org]
                entry["busySeconds"] = self._busy_ms[org] / 1000
            for (org, status), count in sorted(self._statuses.items()):
                if org in orgs:
                    orgs[org]["statuses"][status] = count
            return {"total": sum(self._calls.values()), "orgs": orgs}
