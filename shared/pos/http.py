"""The one HTTP session for every call to the outside.

One session serves all orgs and all threads: connections are pooled, cookies are not kept and
``.netrc`` is not read, so that nothing of one org ever travels with a call of another.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Generic, TypeVar

import requests
import structlog
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_result

from shared.clock import Clock, utc_now
from shared.errors import ProviderBusy, RetryLater, SyncSamError
from shared.pos.exchange import Answer, Call, exchange
from shared.pos.failures import Failure, failed_status, unreadable
from shared.pos.retry import PoliteWait, retry_after_seconds

T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Limits of one call, all its tries and waits included. Times in seconds."""

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    attempts: int = 4
    backoff_seconds: float = 0.5
    longest_backoff_seconds: float = 20.0
    largest_reply_bytes: int = 64 * 1024 * 1024
    connections_per_host: int = 32


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """An answer. ``data`` is None for a status that was handed back; ``requests`` counts tries."""

    status: int
    data: T | None
    requests: int


class HttpSession:
    """Calls with time-outs, a total time limit, retries and readable errors. Thread-safe."""

    def __init__(
        self,
        settings: HttpSettings | None = None,
        *,
        transport: HTTPAdapter | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings or HttpSettings()
        self._sleep = sleep
        self._monotonic = monotonic
        self._clock = clock
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = "sync-sam"
        connections = self._settings.connections_per_host
        adapter = transport or HTTPAdapter(pool_connections=connections, pool_maxsize=connections)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def call(self, call: Call, read: Callable[[object], T]) -> Reply[T]:
        """Make the call and read its JSON with ``read``, which raises ValueError for a shape it
        does not know.

        Tried again after 429, 5xx, broken connections, time-outs and unreadable answers, and
        after nothing else. Raises the error that the last try amounts to; ProviderBusy at once
        where the provider asks to wait longer than there is time; RetryLater where it is the
        caller's own deadline that leaves too little time.
        """
        budget, cut_short = self._budget(call)
        until = self._monotonic() + budget

        def attempt() -> Reply[T] | Failure:
            return self._attempt(call, read, until - self._monotonic())

        def no_time_or_tries(state: RetryCallState) -> bool:
            if state.attempt_number >= self._settings.attempts:
                return True
            return self._monotonic() + state.upcoming_sleep >= until

        retrying = Retrying(
            sleep=self._sleep,
            stop=no_time_or_tries,
            wait=PoliteWait(self._settings.backoff_seconds, self._settings.longest_backoff_seconds),
            retry=retry_if_result(lambda outcome: isinstance(outcome, Failure) and outcome.again),
            before_sleep=lambda state: _log_retry(call, state),
            # The last failure comes back as a value, so that no try's exception, which may hold
            # a URL or a header, is ever chained to the error raised below.
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        outcome = retrying(attempt)
        tries = int(retrying.statistics["attempt_number"])
        if isinstance(outcome, Failure):
            ran_out = cut_short and outcome.again and tries < self._settings.attempts
            raise self._error(call, outcome, tries, until - self._monotonic(), ran_out=ran_out)
        return Reply(outcome.status, outcome.data, tries)
