"""Firebase Hosting's place in the local cloud: all HTTP functions on one origin.

    browser ── GET /api/menu ── here ── the rewrites of firebase.json ── the function's process

It has Hosting's oddities, so that what works here works there: of the cookies only ``__session``
passes; an answer may take 60 s, all of it; the function sees its own host, and the browser's in
``X-Forwarded-Host``. It keeps no answers, though: the CDN would keep those that say so.
"""

import mimetypes
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3
from urllib3.util import Timeout
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from deploy.hosting import RESERVED, Hosting
from deploy.local.loopback import LoopbackServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SECONDS = 60.0
CONNECT_SECONDS = 5.0
CHUNK_BYTES = 64 * 1024
BODY_BYTES = 32 * 1024 * 1024
"""Cloud Run's own limit of a request."""
SESSION = "__session"
OF_ONE_CONNECTION = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate"),
        *("proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
    }
)
"""Headers that a proxy does not pass on."""


class FrontDoor:
    """The origin. ``urls`` has the base URL of each Cloud Run service that runs."""

    def __init__(
        self, hosting: Hosting, urls: Mapping[str, str], *, seconds: float = SECONDS
    ) -> None:
        self._pool = urllib3.PoolManager(num_pools=len(urls) + 1)
        proxy = Proxy(hosting, urls, self._pool.urlopen, seconds=seconds)
        self._server = LoopbackServer(proxy.wsgi)

    @property
    def url(self) -> str:
        return f"http://{self._server.host}"

    def close(self) -> None:
        self._server.close()
        self._pool.clear()


class Proxy:
    """Answers requests as Hosting does. May be called from any thread. ``send`` is a pool's
    ``urlopen``."""

    def __init__(
        self,
        hosting: Hosting,
        urls: Mapping[str, str],
        send: Callable[..., urllib3.BaseHTTPResponse],
        *,
        seconds: float = SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosting = hosting
        self._urls = urls
        self._send = send
        self._seconds = seconds
        self._monotonic = monotonic

    def __call__(self, request: Request) -> Response:
        """The file or the function's answer; 404 where nothing is at the path, 413 for a body over
        BODY_BYTES, 503 where the function does not run, 504 where it takes too long."""
        path = request.path
        if path.startswith(RESERVED):
            return _says(HTTPStatus.NOT_FOUND)
        if request.method in ("GET", "HEAD") and (file := self._hosting.file(path)):
            return _file(file)
        rewrite = self._hosting.rewrite(path)
        url = self._urls.get(rewrite.run.service_id) if rewrite else None
        if url is None:
            return _says(HTTPStatus.NOT_FOUND)
        if (request.content_length or 0) > BODY_BYTES:
            return _says(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self._forward(request, url)

    def wsgi(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The same as a WSGI application."""
        return self(Request(environ))(environ, start_response)

    def _forward(self, request: Request, url: str) -> Response:
        deadline = self._monotonic() + self._seconds
        try:
            reply = self._send(
                request.method,
                url + _target(request),
                headers=_headers(request),
                body=_body(request) if _has_body(request) else None,
                timeout=Timeout(connect=CONNECT_SECONDS, read=self._seconds),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except (RequestEntityTooLarge, ClientDisconnected) as error:
            return _says(HTTPStatus(error.code or HTTPStatus.BAD_REQUEST))
        except urllib3.exceptions.NewConnectionError:
            return _says(HTTPStatus.SERVICE_UNAVAILABLE)
        except urllib3.exceptions.TimeoutError:
            return _says(HTTPStatus.GATEWAY_TIMEOUT)
        except urllib3.exceptions.HTTPError:
            return _says(HTTPStatus.BAD_GATEWAY)
        headers = [
            (name, value)
            for name, value in reply.headers.iteritems()
            if name.lower() not in OF_ONE_CONNECTION
        ]
        response = Response(self._content(reply, deadline), reply.status, headers)
        response.call_on_close(reply.close)
        return response

    def _content(self, reply: urllib3.BaseHTTPResponse, deadline: float) -> Iterator[bytes]:
        """The answer as it comes. Past the deadline it breaks off, which a client notices."""
        try:
            while chunk := reply.read1(CHUNK_BYTES):
                yield chunk
                if self._monotonic() > deadline:
                    raise TimeoutError("the function's answer takes too long")
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError("the function's answer broke off") from error


def _file(path: Path) -> Response:
    kind, _ = mimetypes.guess_type(path.name)
    return Response(path.read_bytes(), mimetype=kind or "application/octet-stream")


def _says(status: HTTPStatus) -> Response:
    return Response(f"{status.value} {status.phrase}\n", status, mimetype="text/plain")


def _target(request: Request) -> str:
    """Path and query as they were sent."""
    raw = str(request.environ.get("RAW_URI") or request.full_path.rstrip("?"))
    return raw if raw.startswith("/") else request.full_path.rstrip("?")


def _headers(request: Request) -> urllib3.HTTPHeaderDict:
    passed = urllib3.HTTPHeaderDict()
    for name, value in request.headers.items():
        if name.lower() not in OF_ONE_CONNECTION | {"host", "cookie"}:
            passed.add(name, value)
    if (session := request.cookies.get(SESSION)) is not None:
        passed["Cookie"] = f"{SESSION}={session}"
    passed["Connection"] = "close"  # one kept open may be closed just as it is used
    passed["X-Forwarded-Host"] = request.host
    passed["X-Forwarded-Proto"] = request.scheme
    passed.add("X-Forwarded-For", request.remote_addr or "unknown")
    return passed


def _has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def _body(request: Request) -> Iterator[bytes]:
    """The body as it comes. Raises RequestEntityTooLarge where one without a stated length is
    longer than BODY_BYTES."""
    passed = 0
    while chunk := request.stream.read(CHUNK_BYTES):
        passed += len(chunk)
        if passed > BODY_BYTES:
            raise RequestEntityTooLarge
        yield chunk
