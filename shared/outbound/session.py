"""The one HTTP session for every call to the outside.

It serves all orgs and all threads: connections are pooled, cookies are not kept and ``.netrc`` is
not read, so that nothing of one org ever travels with a call of another.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import requests
import structlog
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_result, wait_random_exponential
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from shared import tracing
from shared.clock import Clock, utc_now
from shared.errors import ProviderBusy, RetryLater
from shared.outbound import failures, replies
from shared.outbound.destinations import Destinations
from shared.outbound.failures import Failure
from shared.outbound.replies import ReplyLimits, ReplyTooLarge
from shared.outbound.wire import Exchange, LimitedAdapter, limited_by

_CHUNK_BYTES = 65_536

T = TypeVar("T")
log = structlog.get_logger(__name__)


def host_of(url: str) -> str:
    """Name of a URL's host, with its port where one is given; never a user or password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _unheard(_: Mapping[str, str]) -> None: ...


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One call. ``provider`` and ``what`` are the words an operator reads: "The POS", "orders".

    ``deadline`` ends the call early where the caller has less time than the settings allow.
    ``once`` is for a call that makes something: tried again only where nothing was done.
    ``may_be_empty``: an answer without a body is read as None.
    ``admit`` is called before each try and returns when it may be made, within the call's time.
    ``heard`` is given the headers of each answer. ``limits`` are how much the answer may hold.
    """

    method: str
    url: str
    provider: str
    what: str
    json: object = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline: datetime | None = None
    once: bool = False
    may_be_empty: bool = False
    admit: Callable[[], None] | None = field(default=None, repr=False)
    heard: Callable[[Mapping[str, str]], None] = field(default=_unheard, repr=False)
    limits: ReplyLimits = replies.USUAL

    @property
    def host(self) -> str:
        """The host called, as operators read it."""
        return host_of(self.url)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Limits of one call, all its tries and waits included. Times in seconds."""

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    attempts: int = 4
    backoff_seconds: float = 0.5
    longest_backoff_seconds: float = 20.0
    connections_per_host: int = 32


@dataclass(frozen=True, slots=True)
class HttpReply(Generic[T]):
    """An answer, and how many tries it took."""

    data: T
    requests: int


class HttpSession:
    """Calls with time-outs, a total time limit, retries and readable errors. Thread-safe. No
    redirect is followed, and no address called that is not public, except as ``destinations`` say.

    ``transport`` takes the place of the network in tests.
    """

    def __init__(
        self,
        settings: HttpSettings | None = None,
        destinations: Destinations | None = None,
        *,
        transport: HTTPAdapter | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings or HttpSettings()
        self.destinations = destinations or Destinations()
        self._sleep = sleep
        self._monotonic = monotonic
        self._clock = clock
        self._jitter = wait_random_exponential(
            multiplier=self._settings.backoff_seconds, max=self._settings.longest_backoff_seconds
        )
        self._one_at_a_time = Lock()
        self._one_large_at_a_time = Lock()
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = "sync-sam"
        connections = self._settings.connections_per_host
        adapter = transport or LimitedAdapter(connections, connections)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def pause(self, seconds: float) -> None:
        """Wait between two calls."""
        self._sleep(seconds)

    @tracing.span("call")
    def call(self, call: HttpCall, read: Callable[[object], T]) -> HttpReply[T]:
        """Make the call and read its JSON with ``read``, which raises ValueError for a shape it
        does not know and ReplyTooLarge for more than it takes. One answer at a time is read; one
        larger than replies.LARGE waits until the last such has been.

        Tried again only after 429, 5xx, broken connections, time-outs and unreadable answers; a
        call made ``once`` only after 429. Raises the error of the last try (TokenRejected for
        401); ProviderBusy at once where the provider asks to wait longer than there is time;
        RetryLater where the caller's own deadline leaves too little time.
        """
        given = self._seconds_given(call)
        until = self._monotonic() + min(given, self._settings.total_seconds)

        def no_tries_or_time_left(state: RetryCallState) -> bool:
            tries_left = state.attempt_number < self._settings.attempts
            return not tries_left or self._monotonic() + state.upcoming_sleep >= until

        retrying = Retrying(
            sleep=self._sleep,
            stop=no_tries_or_time_left,
            wait=self._wait_seconds,
            retry=retry_if_result(lambda outcome: _again(outcome, call)),
            before_sleep=lambda state: _log_retry(call, state),
            retry_error_callback=_last_outcome,
        )
        outcome: HttpReply[T] | Failure = retrying(self._attempt, call, read, until)
        tries = int(retrying.statistics["attempt_number"])
        tracing.note(what=call.what, tries=tries)
        if isinstance(outcome, HttpReply):
            return HttpReply(outcome.data, tries)
        out_of_time = _again(outcome, call) and tries < self._settings.attempts
        if out_of_time and given < self._settings.total_seconds and outcome.retry_after is None:
            raise _no_time(call)
        raise failures.error_of(
            outcome,
            f"{call.provider} at {call.host}",
            tries=tries,
            now=self._clock(),
            seconds_left=until - self._monotonic(),
        )

    def _wait_seconds(self, state: RetryCallState) -> float:
        """Jittered exponential back-off, after the time that the provider asks to wait: threads
        told to wait equally long do not come back at the same moment."""
        outcome = _last_outcome(state)
        asked = outcome.retry_after if isinstance(outcome, Failure) else None
        return self._jitter(state) + (asked or 0.0)

    def _seconds_given(self, call: HttpCall) -> float:
        if call.deadline is None:
            return math.inf
        seconds = (call.deadline - self._clock()).total_seconds()
        if seconds <= 0:
            raise _no_time(call)
        return seconds

    def _attempt(
        self, call: HttpCall, read: Callable[[object], T], until: float
    ) -> HttpReply[T] | Failure:
        if call.admit is not None:
            call.admit()
        with ExitStack() as large:
            body = self._exchange(call, max(until - self._monotonic(), 0.001), large)
            if isinstance(body, Failure):
                return body
            # Decoded, an answer takes many times its size: only one at a time may do so.
            with self._one_at_a_time:
                try:
                    if call.may_be_empty and not body:
                        return HttpReply(read(None), 1)
                    return HttpReply(read(replies.decode(body, call.limits.most_values)), 1)
                except ReplyTooLarge as error:
                    return failures.unreadable(str(error), again=False)
                except (ValueError, RecursionError):
                    return failures.unreadable("cannot be read")

    def _exchange(self, call: HttpCall, seconds: float, large: ExitStack) -> bytearray | Failure:
        """Send the call once; the body of a 2xx answer that came within ``seconds``. All that goes
        wrong is returned as a Failure: exceptions of the HTTP library hold the URL and headers. A
        large answer keeps others waiting until ``large`` is closed."""
        wait = min(self._settings.read_seconds, seconds)
        most_bytes = call.limits.most_bytes
        exchange = Exchange(
            seconds,
            step_seconds=wait,
            most_bytes=most_bytes,
            monotonic=self._monotonic,
            loopback=self.destinations.loopback,
        )
        try:
            with (
                limited_by(exchange),
                self._session.request(
                    call.method,
                    call.url,
                    params=call.params,
                    json=call.json,
                    data=call.form,
                    headers=call.headers,
                    auth=_unchanged,
                    timeout=(min(self._settings.connect_seconds, seconds), wait),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                status = response.status_code
                call.heard(response.headers)
                if status not in range(200, 300):
                    header = response.headers.get("Retry-After")
                    return failures.failed_status(
                        status, call.what, failures.retry_after_seconds(header, self._clock())
                    )
                body = bytearray()
                for chunk in _chunks(response.raw):
                    body += chunk
                    if len(body) > most_bytes:
                        return _too_large(most_bytes)
                    if len(body) > replies.LARGE >= len(body) - len(chunk):
                        if not self._one_large_at_a_time.acquire(timeout=exchange.seconds_left):
                            return failures.no_answer(seconds)
                        large.callback(self._one_large_at_a_time.release)
                return body
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            return _failure(error, exchange, most_bytes, seconds if exchange.over else wait)


def _failure(error: Exception, exchange: Exchange, most_bytes: int, waited: float) -> Failure:
    """What went wrong with an exchange that had no answer."""
    if exchange.flooded:
        return _too_large(most_bytes)
    if exchange.forbidden:
        return failures.FORBIDDEN
    if exchange.host_unknown or isinstance(error, requests.exceptions.InvalidURL):
        return failures.NO_SUCH_HOST
    if isinstance(error, requests.ReadTimeout | ReadTimeoutError):
        return failures.no_answer(waited)
    return failures.NOT_REACHED


def _chunks(raw: BaseHTTPResponse) -> Iterator[bytes]:
    """The body, unpacked piece by piece as it comes."""
    while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
        yield chunk


def _too_large(most_bytes: int) -> Failure:
    return failures.unreadable(f"is larger than {most_bytes:,} bytes", again=False)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given as ``auth``, keeps requests from putting a login of ``.netrc`` over our own header."""
    return request


def _again(outcome: object, call: HttpCall) -> bool:
    """Whether a try that ended like this may be followed by another."""
    if not isinstance(outcome, Failure):
        return False
    return outcome.again and (not call.once or outcome.error is ProviderBusy)


def _last_outcome(state: RetryCallState) -> object:
    """Failures are values: an exception of a try, which may hold a URL or a header, is thus never
    chained to the error that is raised in the end."""
    return state.outcome.result() if state.outcome else None


def _no_time(call: HttpCall) -> RetryLater:
    return RetryLater(
        f"{call.provider} at {call.host} was not waited for: the time of this run is up."
    )


def _log_retry(call: HttpCall, state: RetryCallState) -> None:
    outcome = _last_outcome(state)
    log.info(
        "outside_call_retried",
        host=call.host,
        what=call.what,
        attempt=state.attempt_number,
        wait_seconds=round(state.upcoming_sleep, 3),
        reason=outcome.says if isinstance(outcome, Failure) else None,
    )
