"""Routes, and the app that finds the route of a request and calls its handler.

To add routes, write ``shared/web/routes/<resource>.py``::

    class OrderQuery(Params):
        org_id: OrgId                       # web/request.py; an OrgRule needs it, in query or body
        order_id: RecordId                  # in the path as {orderId}

    class OrderResponse(ResponseModel):
        id: str
        total: float

    def routes(orders: OrderReads, staff: Rule) -> tuple[Route[Any, Any], ...]:
        def get_order(call: RouteCall[OrderQuery, NoBody]) -> RouteReply:
            found = orders.get(call.org_id, call.params.order_id)   # org_id: allowed by the rule
            return RouteReply(OrderResponse(...))                   # or raise NotFound("...")

        return (
            Route(method="GET", path="/api/orders/{orderId}", rule=staff, summary="One order.",
                  params=OrderQuery, body=NoBody, answers=[(200, OrderResponse)], errors=[NotFound],
                  handler=get_order, cached=Cached(seconds=60)),
        )

and add ``*orders.routes(…)`` to the function's module in shared/bootstrap; the rule for staff is in
``bootstrap/http.py``. List the route in tests/unit/web/test_every_route.py. A handler may raise any
error of shared/errors.py: RequestRefused gives its own status, ProviderError 502, RetryLater 503,
OrgError 409, everything else 500 without details. For content that is not JSON, return
``RouteReply(RawContent(media_type, bytes))`` and put the media type into ``answers``.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import structlog
from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.routing import Map
from werkzeug.routing import Rule as PathRule

from shared.errors import RequestRefused
from shared.log import bound
from shared.web.auth import Caller, OrgRule, Rule
from shared.web.request import (
    KIB,
    Body,
    NoBody,
    Params,
    RoutedRequest,
    check_sizes,
    parse_body,
    parse_params,
    read_body,
    request_id,
)
from shared.web.response import (
    Cached,
    ResponseModel,
    RouteReply,
    error_response,
    finish,
    response_of,
)

P = TypeVar("P", bound=Params)
B = TypeVar("B", bound=Body)
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Shape = type[ResponseModel] | str
"""A model, or the media type of content that is not JSON."""

_NAME = re.compile(r"{(\w+)}")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RouteCall(Generic[P, B]):
    """A request that has passed its route's rule and models.

    ``org_id`` is the org that the rule allowed, as stored; empty for a rule without an org.
    ``if_none_match`` holds the ETags that the client has.
    """

    caller: Caller
    org_id: str
    params: P
    body: B
    raw: bytes
    headers: Headers
    request_id: str
    if_none_match: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[P, B]):
    """A route. The rule is required.

    ``path`` names its parameters in braces, by the aliases (camelCase) of the fields of ``params``.
    ``answers`` are the statuses and forms of successful responses; ``errors`` are those that the
    handler may raise beside the errors of every route (openapi.py). Raises ValueError if path,
    models and rule do not fit together.
    """

    method: Method
    path: str
    rule: Rule
    summary: str
    params: type[P]
    body: type[B]
    answers: Sequence[tuple[int, Shape]]
    handler: Callable[[RouteCall[P, B]], RouteReply]
    errors: Sequence[type[RequestRefused]] = ()
    max_body: int = 16 * KIB
    cached: Cached | None = None

    def __post_init__(self) -> None:
        declared = {info.alias for info in self.params.model_fields.values()}
        if missing := set(self.path_names) - declared:
            raise ValueError(f"{self.name}: no field for {', '.join(sorted(missing))}")
        fields = {*self.params.model_fields, *self.body.model_fields}
        if isinstance(self.rule, OrgRule) and "org_id" not in fields:
            raise ValueError(f"{self.name}: its rule needs the field orgId")
        if not self.answers:
            raise ValueError(f"{self.name}: it answers nothing")
        if self.takes_body and self.method == "GET":
            raise ValueError(f"{self.name}: a GET has no body")

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def path_names(self) -> list[str]:
        """The parameters in the path."""
        return _NAME.findall(self.path)

    @property
    def takes_body(self) -> bool:
        return self.body is not NoBody


class App:
    """The routes of one function."""

    def __init__(self, name: str, routes: Iterable[Route[Any, Any]]) -> None:
        self.name = name
        self.routes = tuple(routes)
        self._by_name = {route.name: route for route in self.routes}
        if len(self._by_name) != len(self.routes):
            raise ValueError(f"two routes of {name} have one name")
        self._paths = Map([_path_rule(route) for route in self.routes])

    def __call__(self, request: Request) -> Response:
        """Answer a request. Never raises."""
        started = time.monotonic()
        sent_id = request_id(request)
        with bound(request_id=sent_id):
            route: Route[Any, Any] | None = None
            try:
                check_sizes(request)
                route, path = self._find(request)
                routed = RoutedRequest(request, path, read_body(request, route.max_body))
                response = response_of(_call(route, routed, sent_id), route.cached, request)
            except Exception as error:
                response = error_response(error, sent_id)
            finish(response, sent_id, head=request.method == "HEAD")
            log.info(
                "request_answered",
                function=self.name,
                route=route.name if route else None,
                status=response.status_code,
                milliseconds=round((time.monotonic() - started) * 1000, 1),
            )
        return response

    def _find(self, request: Request) -> tuple[Route[Any, Any], Mapping[str, str]]:
        name, path = self._paths.bind("").match(request.path, request.method)
        return self._by_name[name], path


def _call(route: Route[Any, Any], routed: RoutedRequest, sent_id: str) -> RouteReply:
    # The caller is identified first: strangers learn nothing about valid parameters.
    caller = route.rule.identify(routed)
    params = parse_params(route.params, routed)
    body = parse_body(route.body, routed)
    org_id = ""
    if isinstance(route.rule, OrgRule):
        named = getattr(body, "org_id", None) or getattr(params, "org_id", None)
        org_id = route.rule.admit(caller, named)
    with bound(caller=caller.label, **({"org_id": org_id} if org_id else {})):
        return route.handler(
            RouteCall(
                caller=caller,
                org_id=org_id,
                params=params,
                body=body,
                raw=routed.raw,
                headers=routed.request.headers,
                request_id=sent_id,
                if_none_match=frozenset(routed.request.if_none_match.as_set()),
            )
        )


def _path_rule(route: Route[Any, Any]) -> PathRule:
    path = _NAME.sub(r"<\1>", route.path)
    return PathRule(path, endpoint=route.name, methods=[route.method], merge_slashes=False)
