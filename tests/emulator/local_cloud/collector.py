"""An HTTP server that keeps what it is sent and answers as the test says.

Tests share it: each puts a token of its own into the path or body of whatever it causes, and
asks for what has that token.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request. ``headers`` by lower-case name; ``at`` in POSIX seconds."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def has(self, token: str) -> bool:
        return token in self.path or token.encode() in self.body


class Collector:
    """``url`` is where it listens. It answers 200 at once unless set otherwise."""

    def __init__(self) -> None:
        self.url = ""
        self.busiest = 0
        self._busy = 0
        self._received: list[Received] = []
        self._fail: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        self._changed = threading.Condition()

    def fail(self, token: str, times: int) -> None:
        """Answer the next requests that have the token with 500."""
        self._fail[token] = times

    def delay(self, token: str, seconds: float) -> None:
        """Take so long over each request that has the token."""
        self._seconds[token] = seconds

    def wait(self, token: str, count: int = 1) -> list[Received]:
        """The requests that have the token, once there are ``count``. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.got(token)) >= count, WAIT_SECONDS):
                raise TimeoutError(f"{len(self.got(token))} of {count} came")
            return self.got(token)

    def got(self, token: str) -> list[Received]:
        """The requests so far that have the token."""
        with self._changed:
            return [each for each in self._received if each.has(token)]

    def take(self, received: Received) -> int:
        """Keep a request; the status to answer with."""
        with self._changed:
            self._received.append(received)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            self._changed.notify_all()
            failing = [each for each, left in self._fail.items() if left and received.has(each)]
            for each in failing:
                self._fail[each] -= 1
            slow = [seconds for each, seconds in self._seconds.items() if received.has(each)]
        time.sleep(max(slow, default=0.0))
        with self._changed:
            self._busy -= 1
        return 500 if failing else 200


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """A collector that listens; on a free port where none is given."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(self.command, self.path, headers, body, time.time())
            self.send_response(collector.take(received))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
