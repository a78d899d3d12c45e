"""The front door on real ports, before a function that answers as told."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from werkzeug.wrappers import Request, Response

from deploy.hosting import Hosting
from deploy.local.front_door import FrontDoor
from deploy.local.loopback import LoopbackServer

SECONDS = 0.5
WAIT = 10.0
PARTS = [b"one ", b"two"]


class Function:
    """Echoes a body; at ``/api/slow`` it is silent, at ``/api/parts`` it waits between two."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, request: Request) -> Response:
        if request.path == "/api/slow":
            time.sleep(2 * SECONDS)
        if request.path == "/api/parts":
            return Response(self._parts(), headers={"Content-Type": "text/plain"})
        return Response(request.get_data(), headers={"X-Path": str(request.environ["RAW_URI"])})

    def _parts(self) -> Iterator[bytes]:
        yield PARTS[0]
        self.go_on.wait(WAIT)
        yield PARTS[1]


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def url(function: Function) -> Iterator[str]:
    with closing(LoopbackServer(lambda e, s: function(Request(e))(e, s))) as upstream:
        urls = {"dashboard": f"http://{upstream.host}", "webhooks": "http://127.0.0.1:9"}
        with closing(FrontDoor(Hosting.read(), urls, seconds=SECONDS)) as door:
            yield door.url


def test_bodies_pass_whole_in_both_directions(url: str) -> None:
    body = bytes(range(256)) * 4_000
    for data in (body, iter([body[:7], body[7:]]), b""):
        answer = requests.post(f"{url}/api/customers?q=a%20b", data=data, timeout=WAIT)
        assert answer.status_code == 200
        assert answer.content == (b"" if data == b"" else body)
        assert answer.headers["X-Path"] == "/api/customers?q=a%20b"


def test_an_answer_comes_part_by_part(url: str, function: Function) -> None:
    with requests.get(f"{url}/api/parts", stream=True, timeout=WAIT) as answer:
        parts = answer.iter_content(None)
        assert next(parts) == PARTS[0]
        function.go_on.set()
        assert b"".join(parts) == PARTS[1]


def test_a_function_that_takes_too_long_is_given_up(url: str) -> None:
    assert requests.get(f"{url}/api/slow", timeout=WAIT).status_code == 504


def test_a_function_without_a_process_is_unavailable(url: str) -> None:
    assert requests.get(f"{url}/api/webhooks/alleaves", timeout=WAIT).status_code == 503
