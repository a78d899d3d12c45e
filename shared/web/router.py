"""The HTTP side of a function: finds the route, asks its rule, checks the request, calls the
handler, and gives every answer its form.

To add routes, write ``shared/web/routes/<resource>.py``::

    class OrderQuery(Params):
        org_id: OrgId                       # web/fields.py; a Staff rule needs it, in query or body
        order_id: RecordId                  # stands in the path as {orderId}

    class OrderView(Answer):
        id: str
        total: float

    def routes(orders: OrderReads, staff: Rule) -> tuple[Route[Any, Any], ...]:
        def get_order(call: Call[OrderQuery, NoBody]) -> Reply:
            found = orders.get(call.org_id, call.params.order_id)   # call.org_id: let in for it
            return Reply(OrderView(...))                            # or raise NotFound("...")

        return (
            Route(method="GET", path="/api/orders/{orderId}", rule=staff, summary="One order.",
                  params=OrderQuery, body=NoBody, answers=[(200, OrderView)], errors=[NotFound],
                  handler=get_order, cached=Cached(seconds=60)),
        )

and add ``*orders.routes(…)`` to the App in the function's bootstrap module; the rule is
``bootstrap/doors.py``'s. An error is any of shared/errors.py: RequestRefused with its status, what
a provider failed at as 502, RetryLater as 503, everything else as 500 without a word of detail.
Pages and tables are ``Reply(Content(media_type, bytes))`` with the media type in ``answers``.
"""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from flask import Request, Response
from werkzeug.routing import Map
from werkzeug.routing import Rule as PathRule

from shared.log import bound
from shared.web import intake, openapi, outcome
from shared.web.reply import Content, Reply
from shared.web.route import Call, NoBody, NoParams, Route
from shared.web.rules import PUBLIC, Incoming, OrgRule

DESCRIPTION_PATH = "/openapi.json"

log = structlog.get_logger(__name__)


class App:
    """The routes of one function. ``/openapi.json`` describes them and is one of them."""

    def __init__(self, name: str, routes: Iterable[Route[Any, Any]]) -> None:
        self.name = name
        self.routes = (*routes, self._description())
        self._by_name = {route.name: route for route in self.routes}
        if len(self._by_name) != len(self.routes):
            raise ValueError(f"two routes of {name} have one name")
        self._paths = Map([_path_rule(route) for route in self.routes])

    def __call__(self, request: Request) -> Response:
        """Answer a request; never raises."""
        started = time.monotonic()
        request_id = intake.request_id(request)
        with bound(request_id=request_id):
            route: Route[Any, Any] | None = None
            try:
                intake.check_sizes(request)
                route, path = self._find(request)
                incoming = Incoming(request, path, intake.read_body(request, route.max_body))
                reply = self._call(route, incoming, request_id)
                response = outcome.of_reply(reply, route, request)
            except Exception as error:
                response = outcome.of_error(error, request_id)
            outcome.finish(response, request_id, head=request.method == "HEAD")
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

    def _call(self, route: Route[Any, Any], incoming: Incoming, request_id: str) -> Reply:
        caller = route.rule.identify(incoming)
        params = intake.params(route, incoming)
        body = intake.body(route, incoming)
        org_id = ""
        if isinstance(route.rule, OrgRule):
            named = getattr(body, "org_id", None) or getattr(params, "org_id", None)
            org_id = route.rule.admit(caller, named)
        with bound(caller=caller.label, **({"org_id": org_id} if org_id else {})):
            return route.handler(
                Call(
                    caller=caller,
                    org_id=org_id,
                    params=params,
                    body=body,
                    raw=incoming.raw,
                    headers=incoming.request.headers,
                    request_id=request_id,
                    if_none_match=frozenset(incoming.request.if_none_match.as_set()),
                )
            )

    def _description(self) -> Route[NoParams, NoBody]:
        def describe(call: Call[NoParams, NoBody]) -> Reply:
            return Reply(Content("application/json", openapi.encoded(self.name, self.routes)))

        return Route(
            method="GET",
            path=DESCRIPTION_PATH,
            rule=PUBLIC,
            summary="This description.",
            params=NoParams,
            body=NoBody,
            answers=[(200, "application/json")],
            handler=describe,
        )


def _path_rule(route: Route[Any, Any]) -> PathRule:
    path = re.sub(r"{(\w+)}", r"<\1>", route.path)
    return PathRule(path, endpoint=route.name, methods=[route.method], merge_slashes=False)
