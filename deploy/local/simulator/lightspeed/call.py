"""What every call to a retailer goes through: whose it is, faults, the token, the rate limit."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, request

from deploy.local.simulator.call import (
    Identified,
    begin_call,
    calling_account,
    end_call,
    machinery,
)
from deploy.local.simulator.fault_replies import http_date, json_reply
from deploy.local.simulator.lightspeed.rate_window import Allowance
from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation, SimulatedRetailer
from deploy.local.simulator.listing import Window
from deploy.local.simulator.table import encode

DEFAULT_PAGE_SIZE = 100
LARGEST_PAGE = 5_000
LARGEST_SEARCH_PAGE = 1_000
_ENDPOINTS = {
    "customers": "customers",
    "sales": "orders",
    "products": "products",
    "inventory": "inventory",
    "token": "auth",
    "webhooks": "webhooks",
}
"""The words of faults and counts for what is called; anything else is metadata."""
_ERRORS = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
}


class NoSuchRecord(Exception):
    """There is none of that id."""


def blueprint_of(name: str) -> Blueprint:
    """Routes of the API, ``/{domain prefix}/api/{version}/…``. Every version answers alike."""
    made = Blueprint(name, name, url_prefix="/<prefix>/api")
    made.url_value_preprocessor(_take_prefix)
    made.before_request(_begin)
    made.after_request(_end)
    made.register_error_handler(NoSuchRecord, _not_found)
    made.register_error_handler(ValueError, _bad_request)
    return made


def refused(status: int, message: str) -> Response:
    """A reply as X-Series refuses: ``{"error", "message"}``."""
    error = _ERRORS.get(status, "Internal Server Error" if status >= 500 else "Bad Request")
    return json_reply(encode({"error": error, "message": message}), status)


def simulation() -> LightspeedSimulation:
    """The simulation that the current app serves."""
    current = machinery()
    assert isinstance(current, LightspeedSimulation)
    return current


def retailer() -> SimulatedRetailer:
    """The retailer whose token the call carries."""
    account = calling_account()
    assert isinstance(account, SimulatedRetailer)
    return account


def token() -> str:
    """The token that the call carries."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def listed(whose: SimulatedRetailer, kind: str) -> tuple[list[bytes], Window]:
    """The list of a kind that is asked for by version, and the part of it."""
    before = request.args.get("before")
    rows, skip = whose.data.table(kind).listed(
        _whole("after", 0),
        None if before is None else int(before),
        deleted=request.args.get("deleted", "").lower() in ("true", "1"),
    )
    return rows, Window(skip, _page_size(whose, LARGEST_PAGE))


def searched(whose: SimulatedRetailer) -> Window:
    """The part of a search that is asked for by offset."""
    return Window(_whole("offset", 0), _page_size(whose, LARGEST_SEARCH_PAGE))


def _take_prefix(_: str | None, values: dict[str, Any] | None) -> None:
    if values is not None:
        g.prefix = values.pop("prefix")
        values.pop("version", None)


def _begin() -> Response | None:
    kind = _called()
    reply = begin_call(
        _ENDPOINTS.get(kind, "metadata"), _caller, page=_page_asked_for, refuse=refused
    )
    if reply is not None or kind == "token":
        return reply
    allowance: Allowance | None = retailer().rate.take(retailer().spec)
    g.allowance = allowance
    if allowance is None or allowance.retry_at is None:
        return None
    reply = refused(429, "Rate limiting enforced")
    reply.headers["Retry-After"] = http_date(datetime.fromtimestamp(allowance.retry_at, UTC))
    return reply


def _end(reply: Response) -> Response:
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        reply.headers["X-RateLimit-Limit"] = str(allowance.limit)
        reply.headers["X-RateLimit-Remaining"] = str(allowance.remaining)
    return end_call(reply)


def _not_found(_: Exception) -> Response:
    return refused(404, "The record was not found")


def _bad_request(_: Exception) -> Response:
    return refused(400, "A parameter is not valid")


def _caller() -> Identified:
    found = simulation().with_prefix(g.prefix)
    if found is None:
        return None, refused(404, "There is no such retailer")
    if not request.headers.get("User-Agent"):
        return found, refused(400, "A User-Agent is required")
    if _called() != "token" and not found.tokens.is_good(found.spec, token()):
        return found, refused(401, "The token is not valid")
    return found, None


def _called() -> str:
    """What is called: the kind that is listed, the type that is searched, or the last word of the
    path before an id."""
    words = request.path.strip("/").split("/")
    if words[-1] == "search":
        return request.args.get("type", "")
    return words[3] if len(words) > 3 else ""


def _page_asked_for() -> int | None:
    """The number that the page would have, of a listing."""
    kind, view = _called(), (request.endpoint or "").rpartition(".")[2]
    whose = simulation().with_prefix(g.prefix)
    if whose is None or view not in ("list_records", "search"):
        return None
    try:
        window = searched(whose) if view == "search" else listed(whose, kind)[1]
    except ValueError:
        return None
    return window.skip // (window.take or 1) + 1


def _page_size(whose: SimulatedRetailer, largest: int) -> int:
    asked = min(_whole("page_size", DEFAULT_PAGE_SIZE), largest)
    return max(1, min(asked, whose.spec.page_limit or asked))


def _whole(name: str, default: int) -> int:
    found = int(request.args.get(name, default))
    if found < 0:
        raise ValueError(name)
    return found
