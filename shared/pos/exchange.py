"""One try of one call: send it, and read the answer within its limits of time and size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from shared.pos.failures import Failure, no_answer, not_reached, unreadable

_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``provider`` and ``what`` are the words an operator reads: "The POS", "orders".

    ``deadline`` ends the call early where the caller has less time than the settings allow.
    ``once`` is for a call that makes something: it is tried again only after an answer that
    nothing was done. ``admit`` is called before each try and returns when it may be made; its
    time counts among the call's own.
    """

    method: str
    url: str
    provider: str
    what: str
    json: object = field(default=None, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline: datetime | None = None
    once: bool = False
    admit: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The host called, as operators read it."""
        return host_of(self.url)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one try, in seconds and bytes."""

    connect_seconds: float
    read_seconds: float
    total_seconds: float
    largest_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The body of another status than 2xx is not read: it is None."""

    status: int
    retry_after: str | None
    body: bytes | None = field(repr=False)


def host_of(url: str) -> str:
    """Name of a URL's host, with its port where one is given; never a user or password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def exchange(
    session: requests.Session, call: Call, limits: Limits, monotonic: Callable[[], float]
) -> Answer | Failure:
    """Send the call once. Every way in which it may fail comes back as a Failure: a raised
    exception of the HTTP library would carry the URL and headers along."""
    until = monotonic() + limits.total_seconds
    wait = min(limits.read_seconds, limits.total_seconds)
    try:
        with session.request(
            call.method,
            call.url,
            params=call.params,
            json=call.json,
            headers=call.headers,
            auth=_as_it_is,
            timeout=(min(limits.connect_seconds, limits.total_seconds), wait),
            allow_redirects=False,
            stream=True,
        ) as response:
            status, retry_after = response.status_code, response.headers.get("Retry-After")
            if status not in range(200, 300):
                return Answer(status, retry_after, None)
            body = _read(response.raw, limits, until, monotonic)
            return body if isinstance(body, Failure) else Answer(status, retry_after, body)
    except (requests.ConnectTimeout, requests.ConnectionError):
        return not_reached()
    except (requests.Timeout, ReadTimeoutError):
        return no_answer(wait)
    except (requests.RequestException, HTTPError, OSError, UnicodeError):
        return not_reached()


def _read(
    raw: BaseHTTPResponse, limits: Limits, until: float, monotonic: Callable[[], float]
) -> bytes | Failure:
    body = bytearray()
    # read1 comes back after each packet: a server that sends a byte now and then would keep a
    # plain read busy far beyond the limit, since every byte restarts the socket's time-out.
    while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > limits.largest_bytes:
            return unreadable(f"is larger than {limits.largest_bytes:,} bytes", again=False)
        if monotonic() >= until:
            return no_answer(limits.total_seconds)
    return bytes(body)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Given as ``auth``, keeps requests from putting a login of ``.netrc`` over our own header."""
    return request
