"""How often each org's endpoints were called, and how many calls were in flight at once."""

from collections import Counter
from threading import Lock
from typing import Any


class RequestLog:
    """Counts calls. A call whose org is unknown counts under ``unknown``."""

    def __init__(self) -> None:
        self._lock = Lock()
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

    def begin(self, org: str, endpoint: str) -> None:
        """A call arrives."""
        with self._lock:
            self._calls[org, endpoint] += 1
            self._in_flight[org] += 1
            self._peak[org] = max(self._peak[org], self._in_flight[org])

    def end(self, org: str, status: int) -> None:
        """A call was answered."""
        with self._lock:
            self._statuses[org, str(status)] += 1
            self._in_flight[org] -= 1

    def state(self) -> dict[str, Any]:
        """``{"total": n, "orgs": {org: {"calls": {endpoint: n}, "statuses": {"200": n},
        "peakInFlight": n}}}``."""
        with self._lock:
            orgs: dict[str, dict[str, Any]] = {}
            for (org, endpoint), count in sorted(self._calls.items()):
                entry = orgs.setdefault(org, {"calls": {}, "statuses": {}, "peakInFlight": 0})
                entry["calls"][endpoint] = count
                entry["peakInFlight"] = self._peak[org]
            for (org, status), count in sorted(self._statuses.items()):
                if org in orgs:
                    orgs[org]["statuses"][status] = count
            return {"total": sum(self._calls.values()), "orgs": orgs}
