"""A request goes on with the trace that the front end began."""

import pytest
from structlog.testing import capture_logs

from shared import tracing
from shared.web.request import NoBody, NoParams
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import RouteCall
from tests.spans import RecordedSpans
from tests.unit.web.calling import client_of, route

TRACE = "0af7651916cd43dd8448eb211c80319c"
W3C = f"00-{TRACE}-b7ad6b7169203331-01"
GOOGLE = f"{TRACE}/12032749702913012345;o=1"


class SeenTrace(ResponseModel):
    """What a message that is published now would carry."""

    carried: dict[str, str]


def seen(_: RouteCall[NoParams, NoBody]) -> RouteReply:
    return RouteReply(SeenTrace(carried=tracing.carried()))


CLIENT = client_of(route(seen, answers=[(200, SeenTrace)]))


def request_id(headers: dict[str, str]) -> str:
    """The id of a request with these headers, which is that of the trace it is answered in."""
    response = CLIENT.get("/thing", headers=headers)
    assert response.json is not None
    sent: str = response.headers["X-Request-Id"]
    assert response.json["carried"]["traceparent"].split("-")[1] == sent
    return sent


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": W3C},
        {"X-Cloud-Trace-Context": GOOGLE},
        {"X-Cloud-Trace-Context": f"{TRACE}/1"},
        {"traceparent": "none", "X-Cloud-Trace-Context": GOOGLE},
        {"traceparent": W3C, "X-Cloud-Trace-Context": "f" * 32 + "/1"},
    ],
)
def test_the_front_ends_trace_is_followed(headers: dict[str, str]) -> None:
    assert request_id(headers) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        TRACE,
        f"{TRACE}/",
        f"{TRACE}/0;o=1",
        f"{TRACE}/-1;o=1",
        f"{TRACE}/{2**64};o=1",
        f"{TRACE}/{'9' * 5_000};o=1",
        f"{'0' * 32}/1;o=1",
        f"{TRACE}/1;o=2",
        f"{TRACE}/1;o=1;o=1",
        "x" * 7_000,
    ],
)
def test_a_header_that_names_no_trace_is_ignored(given: str) -> None:
    found = request_id({"X-Cloud-Trace-Context": given, "traceparent": given})
    assert found != TRACE
    assert len(found) == 32


def test_a_request_is_a_span_with_its_route_and_status() -> None:
    with RecordedSpans().recording() as spans, capture_logs():
        CLIENT.get("/thing?secret=maria@example.com", headers={"traceparent": W3C})
        CLIENT.get("/thing", headers={"traceparent": W3C})

    refused, answered = spans.named("request")
    assert dict(answered.attributes or {}) == {"route": "GET /thing", "status": 200}
    assert dict(refused.attributes or {}) == {"route": "GET /thing", "status": 400}
    assert "maria" not in refused.to_json()
