"""Routes, and the app that finds the route of a request and calls its handler.

To add routes, write ``shared/web/routes/<resource>.py``::

    class OrderQuery(OrgQuery):             # web/request.py; an OrgRule needs its orgId
        order_id: RecordId                  # in the path as {orderId}

    class OrderResponse(ResponseModel):
        id: str
        total: float

    def routes(orders: OrderReads, staff: Rule) -> RouteTable:
        table = RouteTable(staff)

        @table.get("/api/orders/{orderId}", OrderQuery, OrderResponse, errors=[NotFound])
        def get_order(call: RouteCall[OrderQuery, NoBody]) -> RouteReply:
            "One order."                        # the summary in the route's description
            found = orders.get(call.org_id, call.params.order_id)   # org_id: allowed by the rule
            return RouteReply(OrderResponse(...))                   # or raise NotFound("...")

        return table

and add ``*orders.routes(…)`` to the function's module in shared/bootstrap; the rule for staff is in
``bootstrap/http.py``. List the route in tests/unit/web/test_every_route.py. A handler may raise any
error of shared/errors.py: RequestRefused gives its own status, ProviderError 502, RetryLater 503,
OrgError 409, everything else 500 without details. For content that is not JSON, return
``RouteReply(RawContent(media_type, bytes))`` and name the media type among the answers.
"""

import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import structlog
from flask import Request, Response
from structlog.contextvars import bound_contextvars as bound
from werkzeug.datastructures import Headers
from werkzeug.routing import Map
from werkzeug.routing import Rule as PathRule

from shared import tracing
from shared.errors import RequestInvalid, RequestRefused
from shared.web.auth import Caller, OrgRule, Rule
from shared.web.limits import CALLS_PER_MINUTE, CallLimits
from shared.web.request import (
    KIB,
    Body,
    NoBody,
    Params,
    RoutedRequest,
    check_sizes,
    guard_body,
    in_trace,
    params_of,
    parse_body,
    parse_params,
    read_body,
)
from shared.web.response import (
    Cached,
    ErrorPage,
    ResponseModel,
    RouteReply,
    error_response,
    finish,
    no_page,
    response_of,
)

P = TypeVar("P", bound=Params)
B = TypeVar("B", bound=Body)
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Shape = type[ResponseModel] | str
"""A model, or the media type of content that is not JSON."""
Answer = Shape | tuple[int, Shape]
"""What a route answers, with 200 or with the status beside it."""

ANY_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, X-Request-Id",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

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


Handler = Callable[[RouteCall[P, B]], RouteReply]


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
    handler: Handler[P, B]
    errors: Sequence[type[RequestRefused]] = ()
    max_body: int = 16 * KIB
    cached: Cached | None = None
    any_origin: bool = False
    """Pages of any site may read it: what is public anyway."""

    def __post_init__(self) -> None:
        declared = {info.alias for info in self.params.model_fields.values()}
        if missing := set(self.path_names) - declared:
            raise ValueError(f"{self.name}: no field for {', '.join(sorted(missing))}")
        fields = {*self.params.model_fields, *self.body.model_fields}
        if isinstance(self.rule, OrgRule) and "org_id" not in fields:
            raise ValueError(f"{self.name}: its rule needs the field orgId")
        if not self.answers or not self.summary:
            raise ValueError(f"{self.name}: it answers nothing, or has no summary")
        if self.takes_body and self.method == "GET":
            raise ValueError(f"{self.name}: a GET has no body")
        if self.any_origin and self.method != "GET":
            raise ValueError(f"{self.name}: only a GET is for pages of any site")

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


class RouteTable:
    """The routes of a resource, each declared above its handler, whose docstring is the summary.
    ``rule`` is theirs unless one names another; the other fields are those of Route."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._routes: list[Route[Any, Any]] = []

    def __iter__(self) -> Iterator[Route[Any, Any]]:
        return iter(self._routes)

    def get(
        self, path: str, params: type[P], *answers: Answer, **fields: Any
    ) -> Callable[[Handler[P, NoBody]], Handler[P, NoBody]]:
        """Declare a GET."""
        return self._declare("GET", path, params, NoBody, answers, fields)

    def post(
        self, path: str, params: type[P], body: type[B], *answers: Answer, **fields: Any
    ) -> Callable[[Handler[P, B]], Handler[P, B]]:
        """Declare a POST."""
        return self._declare("POST", path, params, body, answers, fields)

    def delete(
        self, path: str, params: type[P], *answers: Answer, **fields: Any
    ) -> Callable[[Handler[P, NoBody]], Handler[P, NoBody]]:
        """Declare a DELETE."""
        return self._declare("DELETE", path, params, NoBody, answers, fields)

    def _declare(
        self,
        method: Method,
        path: str,
        params: type[P],
        body: type[B],
        answers: Iterable[Answer],
        fields: Mapping[str, Any],
    ) -> Callable[[Handler[P, B]], Handler[P, B]]:
        def declare(handler: Handler[P, B]) -> Handler[P, B]:
            route = Route(
                method=method,
                path=path,
                params=params,
                body=body,
                answers=[each if isinstance(each, tuple) else (200, each) for each in answers],
                handler=handler,
                **{"rule": self.rule, "summary": inspect.getdoc(handler), **fields},
            )
            self._routes.append(route)
            return handler

        return declare


class App:
    """The routes of one function; ``error_page`` shows errors to people, ``limits`` say how often
    each may call."""

    def __init__(
        self,
        name: str,
        routes: Iterable[Route[Any, Any]],
        error_page: ErrorPage = no_page,
        limits: CallLimits | None = None,
    ) -> None:
        self.name = name
        self._limits = limits or CallLimits(CALLS_PER_MINUTE)
        self._error_page = error_page
        self.routes = tuple(routes)
        self._by_name = {route.name: route for route in self.routes}
        if len(self._by_name) != len(self.routes):
            raise ValueError(f"two routes of {name} have one name")
        self._paths = Map([_path_rule(route) for route in self.routes])

    def __call__(self, request: Request) -> Response:
        """Answer a request. Never raises."""
        started = time.monotonic()
        with in_trace(request) as sent_id, bound(request_id=sent_id):
            route: Route[Any, Any] | None = None
            try:
                guard_body(request)
                check_sizes(request)
                route, path = self._find(request)
                if route.rule.limited:
                    self._limits.check_address(request)
                routed = RoutedRequest(request, path, read_body(request, route.max_body))
                reply = _call(route, routed, sent_id, self._limits)
                response = response_of(reply, route.cached, request)
            except Exception as error:
                response = error_response(error, sent_id, request, self._error_page)
            if route and route.any_origin:
                response.headers.update(ANY_ORIGIN)
            finish(response, sent_id, head=request.method == "HEAD")
            tracing.note(route=route.name if route else "", status=response.status_code)
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


def _call(
    route: Route[Any, Any], routed: RoutedRequest, sent_id: str, limits: CallLimits
) -> RouteReply:
    # The caller is identified first: strangers learn nothing about valid parameters.
    caller = route.rule.identify(routed)
    limits.check_caller(caller, routed.request.method)
    return _handle(
        route,
        RouteCall(
            caller=caller,
            org_id="",
            params=parse_params(route.params, routed),
            body=parse_body(route.body, routed),
            raw=routed.raw,
            headers=routed.request.headers,
            request_id=sent_id,
            if_none_match=frozenset(routed.request.if_none_match.as_set()),
        ),
    )


def call_in_process(
    route: Route[Any, Any], caller: Caller, given: Mapping[str, str], request_id: str
) -> RouteReply:
    """The reply of a GET to a caller whom another route's rule has identified. ``given`` are path
    and query parameters together. Raises what the route's rule, models and handler raise."""
    allowed = route.rule.allow(caller)
    return _handle(
        route,
        RouteCall(
            caller=allowed,
            org_id="",
            params=params_of(route.params, given),
            body=NoBody(),
            raw=b"",
            headers=Headers(),
            request_id=request_id,
            if_none_match=frozenset(),
        ),
    )


def _handle(route: Route[Any, Any], call: RouteCall[Any, Any]) -> RouteReply:
    """The handler's reply, once the rule has admitted the caller to the org that is named."""
    org_id = ""
    if isinstance(route.rule, OrgRule):
        org_id = route.rule.admit(call.caller, _named_org(call.params, call.body))
    with bound(caller=call.caller.label, **({"org_id": org_id} if org_id else {})):
        return route.handler(replace(call, org_id=org_id))


def _named_org(params: Params, body: Body) -> str | None:
    """The org that the request is about. Raises RequestInvalid where it names two."""
    named = {getattr(part, "org_id", None) for part in (params, body)} - {None}
    if len(named) > 1:
        raise RequestInvalid("orgId: the query and the body name different orgs")
    return next(iter(named), None)


def _path_rule(route: Route[Any, Any]) -> PathRule:
    path = _NAME.sub(r"<\1>", route.path)
    return PathRule(path, endpoint=route.name, methods=[route.method], merge_slashes=False)
