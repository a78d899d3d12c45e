"""How often one caller, or one address, is answered by an instance in a minute.

What costs more has limits of its own: syncs by hand, unproven webhooks, failed sign-ins. These keep
one program that loops, or one stranger, from taking the instance from everybody else.
"""

import time
from collections.abc import Callable

import structlog
from flask import Request

from shared.cache import CountingWindow
from shared.errors import RateLimited
from shared.web.auth import Caller, MachineCaller, SignedInUser, WebhookSender

MINUTE = 60.0
CALLS_PER_MINUTE = 1_200
"""Of one caller at one instance, where a function's settings say nothing else."""
CALLERS_KEPT = 20_000
CHANGES_SHARE = 10
"""Of a caller's calls in a minute, one in so many may change something."""
ADDRESS_FACTOR = 5
"""An address may stand for many people, and behind Firebase Hosting it is one of its own."""
_READING = frozenset({"GET", "HEAD"})

log = structlog.get_logger(__name__)


class CallLimits:
    """Counts calls. Safe for threads."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._calls = CountingWindow[tuple[str, str]](CALLERS_KEPT, MINUTE, monotonic)

    def check_address(self, request: Request) -> None:
        """Before anybody is identified. Raises RateLimited."""
        self._check("address", _address(request), self._per_minute * ADDRESS_FACTOR)

    def check_caller(self, caller: Caller, method: str) -> None:
        """A webhook's sender is left to the limits of webhooks. Raises RateLimited."""
        match caller:
            case SignedInUser(uid=name) | MachineCaller(label=name):
                self._check("caller", name, self._per_minute)
                if method not in _READING:
                    changes = max(1, self._per_minute // CHANGES_SHARE)
                    self._check("changes", name, changes)
            case WebhookSender():
                return

    def _check(self, kind: str, name: str, most: int) -> None:
        count, seconds = self._calls.count((kind, name))
        if count > most:
            if count == most + 1:
                log.warning("calls_limited", kind=kind, per_minute=most)
            raise RateLimited(
                f"more than {most} requests in a minute: wait and ask less often",
                retry_after=max(1, round(seconds)),
            )


def _address(request: Request) -> str:
    """Google's front end puts the address it saw last; what stands before is the caller's word."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return forwarded.rpartition(",")[2].strip() or request.remote_addr or ""
