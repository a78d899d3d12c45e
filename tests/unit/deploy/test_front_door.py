"""One origin for the HTTP functions: which function each path reaches, and what passes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import urllib3
from pydantic import ValidationError
from urllib3 import HTTPConnectionPool, HTTPHeaderDict
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError
from werkzeug.test import Client

from deploy.hosting import Hosting, service_of
from deploy.local.front_door import BODY_BYTES, SECONDS, Proxy
from deploy.manifest import Manifest
from shared.web.routes.runs import LONGEST_WAIT
from tests.unit.web.test_every_route import FUNCTIONS, RULES

DESCRIPTION = "/openapi.json"
URLS = {service_of(name): f"http://{service_of(name)}.example.test" for name in FUNCTIONS}


PATHS = {
    function: {route.partition(" ")[2].replace("{", "").replace("}", "") for route in routes}
    for function, routes in RULES.items()
}
"""Of each function's routes, an id in the place of each parameter."""


def test_every_route_reaches_its_function() -> None:
    """One that several functions have reaches one of them: the console reads in its own process
    what manual_sync serves at that path."""
    hosting = Hosting.read()
    for path in set().union(*PATHS.values()) - {DESCRIPTION}:
        having = {service_of(function) for function, its in PATHS.items() if path in its}
        reached = hosting.rewrite(path)
        assert reached is not None, path
        assert reached.run.service_id in having, path


def test_every_rewrite_is_there_for_a_route() -> None:
    hosting = Hosting.read()
    reached = {hosting.rewrite(path) for its in PATHS.values() for path in its}
    assert reached == set(hosting.rewrites)


def test_the_console_is_the_dashboards() -> None:
    reached = Hosting.read().rewrite("/")
    assert reached is not None
    assert reached.run.service_id == "dashboard"


def test_the_rewrites_name_the_region_of_the_functions() -> None:
    regions = {each.run.region for each in Hosting.read().rewrites}
    assert regions == {Manifest.read().defaults.region}


def test_a_wait_for_a_run_ends_before_hosting_gives_up() -> None:
    assert LONGEST_WAIT <= SECONDS - 10


@pytest.mark.parametrize(
    ("source", "path", "matches"),
    [
        ("/api/pos/**", "/api/pos/sync", True),
        ("/api/pos/**", "/api/pos/sync/run-1", True),
        ("/api/pos/**", "/api/position", False),
        ("/api/*", "/api/menu", True),
        ("/api/*", "/api/menu/builder", False),
        ("/a.b", "/aXb", False),
        ("**", "/", True),
        ("**", "/api\nmenu", True),
    ],
)
def test_a_source_matches_as_a_glob(source: str, path: str, matches: bool) -> None:
    hosting = Hosting.model_validate(
        {
            "public": "deploy/public",
            "rewrites": [{"source": source, "run": {"serviceId": "s", "region": "r"}}],
        }
    )
    assert (hosting.rewrite(path) is not None) is matches


@pytest.mark.parametrize("source", ["/api/@(a|b)/**", "/**/menu", "api/x", ""])
def test_a_glob_that_is_not_understood_is_refused(source: str, tmp_path: Path) -> None:
    file = tmp_path / "firebase.json"
    rewrite = {"source": source, "run": {"serviceId": "s", "region": "r"}}
    file.write_text(json.dumps({"hosting": {"public": "p", "rewrites": [rewrite]}}))
    with pytest.raises(ValidationError, match="source"):
        Hosting.read(file)


class Upstream:
    """The functions: keeps what it was sent and gives one answer. ``seconds``: what its clock
    shows, ``each_chunk``: how long a part of the answer takes."""

    def __init__(self) -> None:
        self.content = b"{}"
        self.answered: list[tuple[str, str]] = []
        self.raises: Exception | None = None
        self.each_chunk = self.seconds = 0.0
        self.sent: dict[str, Any] = {}

    def __call__(self, method: str, url: str, **kw: Any) -> "Answer":
        kw["body"] = kw["body"] and b"".join(kw["body"])
        self.sent = {"method": method, "url": url, **kw}
        if self.raises:
            raise self.raises
        return Answer(self, self.content, self.answered)


class Answer(urllib3.HTTPResponse):
    """Passes the time as it is read."""

    def __init__(self, upstream: Upstream, content: bytes, headers: list[tuple[str, str]]) -> None:
        super().__init__(io.BytesIO(content), HTTPHeaderDict(headers), 200, preload_content=False)
        self.upstream = upstream

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        self.upstream.seconds += self.upstream.each_chunk
        return self.read(amt)


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def browser(upstream: Upstream) -> Client:
    proxy = Proxy(Hosting.read(), URLS, upstream, monotonic=lambda: upstream.seconds)
    return Client(proxy.wsgi, use_cookies=False)


def test_a_request_goes_on_as_it_came(browser: Client, upstream: Upstream) -> None:
    answer = browser.post(
        "/api/pos/sync?wait=3&orgId=org%5Fharbor", data=b'{"full": true}', base_url="http://front"
    )

    assert (answer.status_code, answer.data) == (200, b"{}")
    assert upstream.sent["method"] == "POST"
    assert upstream.sent["url"].startswith("http://manual-sync.example.test/api/pos/sync?wait=3&")
    assert upstream.sent["body"] == b'{"full": true}'
    assert upstream.sent["headers"]["X-Forwarded-Host"] == "front"
    assert "Host" not in upstream.sent["headers"]


def test_of_the_cookies_only_the_session_passes(browser: Client, upstream: Upstream) -> None:
    browser.get("/api/orders", headers={"Cookie": "theme=dark; __session=abc.def; id=1"})
    assert upstream.sent["headers"]["Cookie"] == "__session=abc.def"

    browser.get("/api/orders", headers={"Cookie": "theme=dark"})
    assert "Cookie" not in upstream.sent["headers"]


def test_headers_of_one_connection_do_not_pass(browser: Client, upstream: Upstream) -> None:
    upstream.answered = [("Connection", "close"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]

    answer = browser.get("/", headers={"Upgrade": "websocket", "Authorization": "Bearer x"})

    assert "Upgrade" not in upstream.sent["headers"]
    assert upstream.sent["headers"]["Authorization"] == "Bearer x"
    assert "Connection" not in answer.headers
    assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (NewConnectionError(HTTPConnection("menu"), "refused"), 503),
        (ReadTimeoutError(HTTPConnectionPool("menu"), "/", "slow"), 504),
        (ProtocolError("cut off"), 502),
    ],
)
def test_a_function_that_does_not_answer_is_told(
    browser: Client, upstream: Upstream, raised: Exception, status: int
) -> None:
    upstream.raises = raised
    assert browser.get("/api/menu?orgId=org_harbor").status_code == status


def test_an_answer_that_takes_too_long_breaks_off(browser: Client, upstream: Upstream) -> None:
    upstream.content, upstream.each_chunk = bytes(1_000_000), SECONDS / 3

    with pytest.raises(TimeoutError):
        browser.get("/api/menu").get_data()


def test_a_body_that_no_function_may_get_is_refused(browser: Client, upstream: Upstream) -> None:
    answer = browser.post(
        "/api/pos/sync", environ_overrides={"CONTENT_LENGTH": str(BODY_BYTES + 1)}
    )

    assert (answer.status_code, upstream.sent) == (413, {})


def test_hostings_own_paths_and_files_reach_no_function(
    browser: Client, upstream: Upstream
) -> None:
    assert browser.get("/__/auth/handler").status_code == 404
    robots = browser.get("/robots.txt")
    assert (robots.status_code, b"Disallow" in robots.data) == (200, True)
    assert upstream.sent == {}
    browser.get("/../functions.yaml")
    assert upstream.sent["url"].startswith("http://dashboard.example.test/")


def test_a_function_that_does_not_run_here_is_not_found() -> None:
    client = Client(Proxy(Hosting.read(), {}, Upstream()).wsgi)
    assert client.get("/api/menu").status_code == 404
