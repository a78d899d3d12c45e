"""Stand-ins for the network and for time."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

START = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)


class FakeTime:
    """Time that passes only by sleeping, or by being told to."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


@dataclass(frozen=True)
class Sent:
    """A request as it went out."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    timeout: Any


@dataclass(frozen=True)
class Canned:
    """An answer to give."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


def ok(data: object) -> Canned:
    return Canned(body=json.dumps(data).encode())


class FakeTransport(HTTPAdapter):
    """Answers each request with what ``respond`` returns for it, or raises what it raises."""

    def __init__(self, respond: Callable[[Sent], Canned]) -> None:
        super().__init__()
        self._respond = respond
        self._lock = Lock()
        self.sent: list[Sent] = []

    def send(
        self, request: requests.PreparedRequest, *_: Any, timeout: Any = None, **__: Any
    ) -> requests.Response:
        form = "form" in (request.headers.get("Content-Type") or "")
        body: Any = None
        if request.body:
            body = parse_qs(str(request.body)) if form else json.loads(request.body)
        sent = Sent(str(request.method), str(request.url), dict(request.headers), body, timeout)
        with self._lock:
            self.sent.append(sent)
        canned = self._respond(sent)
        raw = HTTPResponse(
            BytesIO(canned.body), canned.headers, canned.status, preload_content=False
        )
        return self.build_response(request, raw)


def in_turn(*steps: Canned | Exception) -> Callable[[Sent], Canned]:
    """Gives the steps one after the other, the last one again and again."""
    left = list(steps)

    def respond(_: Sent) -> Canned:
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, Exception):
            raise step
        return step

    return respond
