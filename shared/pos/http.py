"""The one HTTP session for every call to the outside.

One session serves all orgs and all threads: connections are pooled, cookies are not kept and
``.netrc`` is not read, so that nothing of one org ever travels with a call of another.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Generic, TypeVar

import requests
import structlog
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_result

from shared.clock import Clock, utc_now
from shared.errors import ProviderBusy, RetryLater
from shared.pos.exchange import Call, Limits, exchange
from shared.pos.failures import Failure, error_of, failed_status, unreadable
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
    """An answer, and how many tries it took."""

    data: T
    requests: int


class HttpSession:
    """Calls with time-outs, a total time limit, retries and readable errors. Thread-safe.

    ``transport`` takes the place of the network in tests.
    """

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
        after nothing else; a call made ``once`` after 429 alone. Raises the error that the last
        try amounts to (Unauthorized for 401); ProviderBusy at once where the provider asks to wait
        longer than there is time; RetryLater where it is the caller's own deadline that leaves too
        little time.
        """
        given = self._seconds_given(call)
        until = self._monotonic() + min(given, self._settings.total_seconds)

        def no_tries_or_time_left(state: RetryCallState) -> bool:
            if state.attempt_number >= self._settings.attempts:
                return True
            return self._monotonic() + state.upcoming_sleep >= until

        retrying = Retrying(
            sleep=self._sleep,
            stop=no_tries_or_time_left,
            wait=PoliteWait(self._settings.backoff_seconds, self._settings.longest_backoff_seconds),
            retry=retry_if_result(lambda outcome: _again(outcome, call)),
            before_sleep=lambda state: _log_retry(call, state),
            retry_error_callback=_last_outcome,
        )
        outcome: Reply[T] | Failure = retrying(self._attempt, call, read, until)
        tries = int(retrying.statistics["attempt_number"])
        if isinstance(outcome, Reply):
            return Reply(outcome.data, tries)
        out_of_time = _again(outcome, call) and tries < self._settings.attempts
        if out_of_time and given < self._settings.total_seconds and outcome.retry_after is None:
            raise _no_time(call)
        raise error_of(
            outcome,
            f"{call.provider} at {call.host}",
            tries=tries,
            now=self._clock(),
            seconds_left=until - self._monotonic(),
        )

    def _seconds_given(self, call: Call) -> float:
        if call.deadline is None:
            return math.inf
        seconds = (call.deadline - self._clock()).total_seconds()
        if seconds <= 0:
            raise _no_time(call)
        return seconds

    def _attempt(self, call: Call, read: Callable[[object], T], until: float) -> Reply[T] | Failure:
        if call.admit is not None:
            call.admit()
        settings = self._settings
        limits = Limits(
            connect_seconds=settings.connect_seconds,
            read_seconds=settings.read_seconds,
            total_seconds=max(until - self._monotonic(), 0.001),
            largest_bytes=settings.largest_reply_bytes,
        )
        answer = exchange(self._session, call, limits, self._monotonic)
        if isinstance(answer, Failure):
            return answer
        if answer.body is None:
            seconds = retry_after_seconds(answer.retry_after, self._clock())
            return failed_status(answer.status, call.what, seconds)
        try:
            return Reply(read(json.loads(answer.body)), 1)
        except (ValueError, RecursionError):
            return unreadable("cannot be read")


def _again(outcome: object, call: Call) -> bool:
    """Whether a try that ended like this may be followed by another."""
    if not isinstance(outcome, Failure) or not outcome.again:
        return False
    return outcome.error is ProviderBusy if call.once else True


def _last_outcome(state: RetryCallState) -> object:
    """Failures travel as values: an exception of a try, which may hold a URL or a header, is thus
    never chained to the error that is raised in the end."""
    return state.outcome.result() if state.outcome else None


def _no_time(call: Call) -> RetryLater:
    return RetryLater(
        f"{call.provider} at {call.host} was not waited for: the time of this run is up."
    )


def _log_retry(call: Call, state: RetryCallState) -> None:
    outcome = _last_outcome(state)
    _log.info(
        "outside_call_retried",
        host=call.host,
        what=call.what,
        attempt=state.attempt_number,
        wait_seconds=round(state.upcoming_sleep, 3),
        reason=outcome.says if isinstance(outcome, Failure) else None,
    )
