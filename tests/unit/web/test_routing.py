"""What every route has in common: finding it, limits, errors, headers."""

import io
import json
from typing import Any

import pytest
from flask import Request
from structlog.testing import capture_logs
from werkzeug.test import EnvironBuilder, TestResponse

from shared.errors import (
    ConfigurationInvalid,
    Forbidden,
    NotFound,
    ProviderBusy,
    RateLimited,
    RetryLater,
)
from shared.web.auth import PUBLIC, OrgRule, PublicOfOrg
from shared.web.limits import CallLimits
from shared.web.request import (
    Body,
    NoBody,
    NoParams,
    OrgId,
    Params,
    RawBody,
    RecordId,
    RoutedRequest,
)
from shared.web.response import Cached, RawContent, ResponseModel, RouteReply
from shared.web.routing import App, Route, RouteCall
from tests.unit.web.calling import client_of, route

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Thing(ResponseModel):
    """Something."""

    thing_id: str
    size: int | None = None


class ThingQuery(Params):
    """Which."""

    thing_id: RecordId
    size: int | None = None


class OneThing(Params):
    """How large."""

    size: int | None = None


class Wanted(Body):
    """What to do."""

    deep: bool = False
    names: tuple[str, ...] = ()


def give(call: RouteCall[ThingQuery, NoBody]) -> RouteReply:
    return RouteReply(Thing(thing_id=call.params.thing_id, size=call.params.size))


GET_THING = route(give, path="/things/{thingId}", params=ThingQuery, answers=[(200, Thing)])


def error(response: TestResponse) -> tuple[int, str]:
    """Status and code, once the form is found to be the contract's."""
    body = json.loads(response.data)
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message", "requestId"}
    assert body["error"]["requestId"] == response.headers["X-Request-Id"]
    assert response.content_type == "application/json"
    return response.status_code, body["error"]["code"]


def test_a_route_answers_with_its_model_in_camel_case_and_without_nothings() -> None:
    response = client_of(GET_THING).get("/things/t1")

    assert response.status_code == 200
    assert json.loads(response.data) == {"thingId": "t1"}


def test_every_answer_bears_a_request_id_and_the_security_headers() -> None:
    client = client_of(GET_THING)

    for path in ("/things/t1", "/nothing", "/things/t1?size=x"):
        headers = client.get(path).headers
        assert len(headers["X-Request-Id"]) == 32
        assert {name: headers[name] for name in SECURITY} == SECURITY


def test_the_request_id_is_the_trace_that_the_front_end_began_and_is_in_the_log() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with capture_logs() as lines:
        response = client_of(GET_THING).get(
            "/things/t1", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        )

    assert response.headers["X-Request-Id"] == trace
    assert [(line["event"], line["route"]) for line in lines] == [
        ("request_answered", "GET /things/{thingId}")
    ]


def test_what_is_no_trace_is_no_request_id() -> None:
    response = client_of(GET_THING).get("/things/t1", headers={"traceparent": "00-abc\u00ff-1-1"})

    assert len(response.headers["X-Request-Id"]) == 32


@pytest.mark.parametrize("path", ["/", "/things", "/things/t1/", "/things//t1", "/Things/t1", "/x"])
def test_a_path_that_does_not_exist_is_404(path: str) -> None:
    assert error(client_of(GET_THING).get(path)) == (404, "not_found")


def test_a_method_that_does_not_exist_is_405_and_tells_which_do() -> None:
    response = client_of(GET_THING).delete("/things/t1")

    assert error(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"


def test_head_answers_like_get_without_the_body() -> None:
    client = client_of(GET_THING)

    head, get = client.head("/things/t1"), client.get("/things/t1")

    assert (head.status_code, head.data) == (200, b"")
    assert head.content_length == get.content_length == len(get.data)


@pytest.mark.parametrize(
    "query", ["size=x", "size=", "sizes=3", "size=1&size=2", "thingId=t2", "size=1.5"]
)
def test_a_parameter_of_the_wrong_form_is_400(query: str) -> None:
    assert error(client_of(GET_THING).get(f"/things/t1?{query}")) == (400, "request_invalid")


@pytest.mark.parametrize("thing_id", ["..", "%00", "a%2Fb", "%F0%9F%98%80", "_a", "a" * 201])
def test_an_id_that_cannot_be_a_document_is_never_looked_for(thing_id: str) -> None:
    response = client_of(GET_THING).get(f"/things/{thing_id}")

    assert response.status_code in (400, 404)


def test_what_is_wrong_is_named_and_its_value_is_not() -> None:
    response = client_of(GET_THING).get("/things/t1?size=hunter2")

    assert "size" in response.text
    assert "hunter2" not in response.text


POST_THING = route(
    lambda call: RouteReply(Thing(thing_id=str(call.body.deep))),
    method="POST",
    body=Wanted,
    answers=[(200, Thing)],
)


def test_an_absent_body_is_an_empty_object() -> None:
    assert client_of(POST_THING).post("/thing").json == {"thingId": "False"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'{"deep": "true"}',
        b'{"deeep": true}',
        b'{"deep": 1}',
        b"\xff",
        b"[" * 9000,
    ],
)
def test_a_body_of_the_wrong_form_is_400(body: bytes) -> None:
    response = client_of(POST_THING).post("/thing", data=body, content_type="application/json")

    assert error(response) == (400, "request_invalid")


def test_a_body_that_is_not_json_is_415() -> None:
    response = client_of(POST_THING).post("/thing", data="deep=true", content_type="text/plain")

    assert error(response) == (415, "not_json")


def test_a_body_over_the_limit_is_413_whether_its_length_is_announced_or_not() -> None:
    client = client_of(POST_THING)
    large = b'{"names": ["' + b"x" * 20_000 + b'"]}'

    announced = client.post("/thing", data=large, content_type="application/json")
    chunked = client.post(
        "/thing",
        content_type="application/json",
        environ_overrides={"wsgi.input": io.BytesIO(large), "wsgi.input_terminated": True},
    )

    assert error(announced) == error(chunked) == (413, "body_too_large")


def test_a_body_that_is_cut_off_is_400() -> None:
    response = client_of(POST_THING).post(
        "/thing",
        content_type="application/json",
        environ_overrides={"wsgi.input": io.BytesIO(b'{"deep"'), "CONTENT_LENGTH": "100"},
    )

    assert error(response) == (400, "request_invalid")


def test_queries_and_headers_have_limits() -> None:
    client = client_of(GET_THING)

    assert error(client.get("/things/t1?size=" + "1" * 3000)) == (414, "query_too_long")
    headers = {"X-Padding": "x" * 20_000}
    assert error(client.get("/things/t1", headers=headers)) == (431, "headers_too_large")


def _raising(raised: Exception) -> Any:
    def handler(_: RouteCall[Any, Any]) -> RouteReply:
        raise raised

    return client_of(route(handler))


@pytest.mark.parametrize(
    ("raised", "answered"),
    [
        (NotFound("no such thing"), (404, "not_found")),
        (Forbidden("not yours"), (403, "not_allowed")),
        (RateLimited("slow down", retry_after=7), (429, "too_often")),
        (ConfigurationInvalid("no key is set"), (409, "configuration_invalid")),
        (ProviderBusy("it limits calls"), (502, "provider_busy")),
        (RetryLater("busy"), (503, "retry_later")),
        (ValueError("password=hunter2"), (500, "internal")),
    ],
)
def test_an_error_has_its_status_and_code(raised: Exception, answered: tuple[int, str]) -> None:
    assert error(_raising(raised).get("/thing")) == answered


def test_what_was_not_foreseen_is_told_to_the_log_alone() -> None:
    with capture_logs() as lines:
        response = _raising(RuntimeError("password=hunter2")).get("/thing")

    assert "hunter2" not in response.text
    assert "Traceback" not in response.text
    assert [line["event"] for line in lines] == ["request_failed", "request_answered"]


def test_too_often_says_when_to_come_back() -> None:
    response = _raising(RateLimited("slow down", retry_after=7)).get("/thing")

    assert response.headers["Retry-After"] == "7"


def test_a_cached_answer_is_not_sent_twice() -> None:
    cached = route(lambda _: RouteReply(Thing(thing_id="t")), cached=Cached(60, public=True))
    client = client_of(cached)

    first = client.get("/thing")
    again = client.get("/thing", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert (again.status_code, again.data) == (304, b"")


def test_a_handler_that_knows_the_version_needs_not_make_the_answer() -> None:
    def handler(call: RouteCall[Any, Any]) -> RouteReply:
        if "v7" in call.if_none_match:
            return RouteReply(None, status=304, etag="v7")
        return RouteReply(Thing(thing_id="t"), etag="v7")

    client = client_of(route(handler, cached=Cached(60)))

    assert client.get("/thing").headers["ETag"] == '"v7"'
    assert client.get("/thing", headers={"If-None-Match": '"v7"'}).status_code == 304


def test_a_page_comes_as_it_is() -> None:
    page = route(
        lambda _: RouteReply(
            RawContent("text/html; charset=utf-8", b"<p>"),
            headers={"Content-Security-Policy": "default-src 'self'"},
        )
    )
    response = client_of(page).get("/thing")

    assert (response.content_type, response.data) == ("text/html; charset=utf-8", b"<p>")
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"


def test_a_raw_body_reaches_its_handler_as_it_was_sent() -> None:
    raw = route(lambda call: RouteReply(RawContent("x/y", call.raw)), method="POST", body=RawBody)

    assert client_of(raw).post("/thing", data=b"\x00\xff").data == b"\x00\xff"


def test_whoever_calls_too_often_is_told_when_to_come_back() -> None:
    client = client_of(route(lambda call: RouteReply(Thing(thing_id="t"))), limits=CallLimits(1))
    answers = [client.get("/thing") for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].get_json()["error"]["code"] == "too_often"


def test_pages_of_any_site_may_read_what_is_open_to_them_and_nothing_else() -> None:
    # Given
    def handler(call: Any) -> RouteReply:
        return RouteReply(Thing(thing_id="t"))

    client = client_of(
        route(handler, path="/menu", params=OneThing, any_origin=True), route(handler)
    )
    elsewhere = {"Origin": "https://shop.example"}
    # When
    menu, fault = (client.get(path, headers=elsewhere) for path in ("/menu", "/menu?size=x"))
    own = client.get("/thing", headers=elsewhere)
    # Then
    assert (menu.status_code, fault.status_code) == (200, 400)
    for open_to_all in (menu, fault):
        assert open_to_all.headers["Access-Control-Allow-Origin"] == "*"
        assert open_to_all.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Access-Control-Allow-Credentials" not in open_to_all.headers
    assert "Access-Control-Allow-Origin" not in own.headers
    assert own.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert client.options("/menu", headers=elsewhere).status_code == 405
    with pytest.raises(ValueError, match="only a GET"):
        route(handler, method="POST", any_origin=True)


class BrokenBody(io.BytesIO):
    """As a server's stream whose client sends a malformed chunk."""

    def read(self, size: int | None = -1) -> bytes:
        raise ValueError("invalid chunk size")


def test_a_body_that_the_server_cannot_read_is_refused_and_reading_on_is_no_error() -> None:
    raw = route(lambda call: RouteReply(RawContent("x/y", call.raw)), method="POST", body=RawBody)
    environ = EnvironBuilder("/thing", method="POST").get_environ()
    request = Request({**environ, "wsgi.input": BrokenBody(), "wsgi.input_terminated": True})

    reply = App("tests", [raw])(request)

    assert (reply.status_code, reply.get_json()["error"]["code"]) == (400, "request_invalid")
    assert request.get_data() == b""


def test_there_is_no_route_without_a_rule() -> None:
    with pytest.raises(TypeError, match="rule"):
        Route(  # type: ignore[call-arg]
            method="GET",
            path="/open",
            summary="Open.",
            params=NoParams,
            body=NoBody,
            answers=[(200, Thing)],
            handler=lambda _: RouteReply(None),
        )


def test_a_rule_about_an_org_needs_a_request_that_names_one() -> None:
    with pytest.raises(ValueError, match="orgId"):
        route(lambda _: RouteReply(None), rule=PublicOfOrg(lambda _: None))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"path": "/thing/{nobody}"}, "nobody"),
        ({"answers": []}, "nothing"),
        ({"body": Wanted}, "no body"),
    ],
)
def test_a_route_that_does_not_fit_together_cannot_be_made(
    fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        route(lambda _: RouteReply(None), **fields)


def test_two_routes_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="one name"):
        client_of(GET_THING, GET_THING)


class OfOrg(Params):
    """Of which org."""

    org_id: OrgId


class OrgX(OrgRule):
    """Lets everybody in, for org_x alone."""

    name = "org x"

    def identify(self, routed: RoutedRequest) -> Any:
        return PUBLIC.identify(routed)

    def admit(self, caller: Any, org_id: str | None) -> str:
        if org_id != "x":
            raise Forbidden("not yours")
        return "org_x"


def test_a_handler_is_given_the_org_that_the_rule_admits_and_not_the_one_asked_for() -> None:
    of_org = route(lambda call: RouteReply(Thing(thing_id=call.org_id)), rule=OrgX(), params=OfOrg)

    client = client_of(of_org)

    assert client.get("/thing?orgId=x").json == {"thingId": "org_x"}
    assert error(client.get("/thing?orgId=y")) == (403, "not_allowed")
    assert error(client.get("/thing")) == (400, "request_invalid")
