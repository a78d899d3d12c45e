"""An App behind werkzeug's own test client."""

from collections.abc import Iterable
from typing import Any

from flask import Request
from werkzeug.test import Client

from shared.web.auth import PUBLIC
from shared.web.limits import CallLimits
from shared.web.openapi import with_description
from shared.web.request import NoBody, NoParams
from shared.web.routing import App, Route


def client_of(*routes: Route[Any, Any], limits: CallLimits | None = None) -> Client:
    app = App("tests", with_description("tests", routes), limits=limits)
    return Client(Request.application(app))  # type: ignore[arg-type]


def route(handler: Any, **fields: Any) -> Route[Any, Any]:
    """A route of which only what matters to a test is said."""
    usual: dict[str, Any] = {
        "method": "GET",
        "path": "/thing",
        "rule": PUBLIC,
        "summary": "A thing.",
        "params": NoParams,
        "body": NoBody,
        "answers": [(200, "application/json")],
    }
    return Route(handler=handler, **{**usual, **fields})


def named(routes: Iterable[Route[Any, Any]]) -> dict[str, str]:
    return {each.name: each.rule.name for each in routes}
