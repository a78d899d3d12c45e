"""Which faults strike a call: counted, so that the same calls meet the same faults."""

from dataclasses import dataclass
from threading import Lock
from typing import Any

from deploy.local.simulator.fault import Fault


@dataclass(frozen=True, slots=True)
class Call:
    """What of a call a fault may look at. ``page`` is None outside of listings."""

    org: str | None
    endpoint: str
    page: int | None


@dataclass(slots=True)
class _Scheduled:
    fault: Fault
    seen: int = 0
    struck: int = 0

    def strikes(self, call: Call) -> bool:
        fault = self.fault
        if (
            (fault.org is not None and fault.org != call.org)
            or (fault.endpoint is not None and fault.endpoint != call.endpoint)
            or (fault.page is not None and fault.page != call.page)
            or (fault.count is not None and self.struck >= fault.count)
        ):
            return False
        self.seen += 1
        if self.seen <= fault.after:
            return False
        self.struck += 1
        return True


class FaultSchedule:
    """The faults asked for, in the order in which they were."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._scheduled: dict[int, _Scheduled] = {}
        self._last_id = 0

    def add(self, fault: Fault) -> int:
        """Ask for a fault; its number is returned."""
        with self._lock:
            self._last_id += 1
            self._scheduled[self._last_id] = _Scheduled(fault)
            return self._last_id

    def clear(self, number: int | None = None) -> None:
        """Take back one fault, or all."""
        with self._lock:
            if number is None:
                self._scheduled.clear()
            else:
                self._scheduled.pop(number, None)

    @property
    def any(self) -> bool:
        """Whether any fault is asked for."""
        return bool(self._scheduled)

    def strike(self, call: Call) -> list[Fault]:
        """The faults that strike this call; it counts as one for each that looks for its like."""
        if not self._scheduled:
            return []
        with self._lock:
            return [s.fault for s in self._scheduled.values() if s.strikes(call)]

    def state(self) -> list[dict[str, Any]]:
        """Every fault with how many matching calls it saw and how often it struck."""
        with self._lock:
            return [
                {"id": number, **s.fault.model_dump(), "seen": s.seen, "struck": s.struck}
                for number, s in self._scheduled.items()
            ]
