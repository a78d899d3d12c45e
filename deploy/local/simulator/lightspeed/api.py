"""The API of X-Series: ``/{domain prefix}/api/{version}/…``. Every version answers alike."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, request

from deploy.local.simulator.call import (
    Identified,
    begin_call,
    calling_account,
    end_call,
    listing_faults,
    machinery,
    parameters,
)
from deploy.local.simulator.fault_replies import http_date, json_reply
from deploy.local.simulator.lightspeed.dataset import KINDS, SEARCHED
from deploy.local.simulator.lightspeed.rate_window import Allowance
from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation, SimulatedRetailer
from deploy.local.simulator.lightspeed.tokens import GrantRefused
from deploy.local.simulator.lightspeed.versions import VersionedTable, version_of
from deploy.local.simulator.lightspeed.webhooks import AlreadyRegistered, NotValid
from deploy.local.simulator.listing import Window, cut
from deploy.local.simulator.table import Record, encode

lightspeed = Blueprint("lightspeed", __name__, url_prefix="/<prefix>/api")

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
_KIND = f"<any({','.join(KINDS)}):kind>"


class _NoSuchRecord(Exception):
    """There is none of that id."""


def refused(status: int, message: str) -> Response:
    """A reply as X-Series refuses: ``{"error", "message"}``."""
    error = _ERRORS.get(status, "Internal Server Error" if status >= 500 else "Bad Request")
    return json_reply(encode({"error": error, "message": message}), status)


def simulation() -> LightspeedSimulation:
    """The simulation that the current app serves."""
    current = machinery()
    assert isinstance(current, LightspeedSimulation)
    return current


@lightspeed.url_value_preprocessor
def _take_prefix(_: str | None, values: dict[str, Any] | None) -> None:
    if values is not None:
        g.prefix = values.pop("prefix")
        values.pop("version", None)


@lightspeed.before_request
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


@lightspeed.after_request
def _end(reply: Response) -> Response:
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        reply.headers["X-RateLimit-Limit"] = str(allowance.limit)
        reply.headers["X-RateLimit-Remaining"] = str(allowance.remaining)
    return end_call(reply)


@lightspeed.errorhandler(_NoSuchRecord)
def _not_found(_: Exception) -> Response:
    return refused(404, "The record was not found")


@lightspeed.errorhandler(ValueError)
def _bad_request(_: Exception) -> Response:
    return refused(400, "A parameter is not valid")


@lightspeed.post("/1.0/token")
def exchange() -> Response:
    """Tokens for a code or a refresh token."""
    try:
        return _reply(retailer().tokens.grant(retailer().spec, request.form.to_dict()))
    except GrantRefused as error:
        return refused(400, str(error))


@lightspeed.get(f"/<version>/{_KIND}")
def list_records(kind: str) -> Response:
    """The records whose version is above ``after`` (and below ``before``), by version. Dates are
    not looked at; deleted ones come where ``deleted`` asks for them."""
    listing, skip = _listed(_table(kind))
    part = cut(listing, Window(skip, _page_size(LARGEST_PAGE)), listing_faults())
    versions = [found for found in map(version_of, part.rows) if found is not None]
    version = encode({"min": min(versions, default=0), "max": max(versions, default=0)})
    return json_reply(b'{"data":[%s],"version":%s}' % (b",".join(part.rows), version))


@lightspeed.get(f"/<version>/{_KIND}/<record_id>")
def get_record(kind: str, record_id: str) -> Response:
    """One record; a deleted one with the time."""
    try:
        return json_reply(b'{"data":%s}' % _table(kind).text(record_id))
    except KeyError:
        raise _NoSuchRecord from None


@lightspeed.get("/<version>/search")
def search() -> Response:
    """Records of a type, by ``offset``."""
    listing = _found()
    window = Window(_whole("offset", 0), _page_size(LARGEST_SEARCH_PAGE))
    part = cut(listing, window, listing_faults())
    return json_reply(b'{"data":[%s],"total_count":%d}' % (b",".join(part.rows), part.total))


@lightspeed.get("/<version>/retailer")
def get_retailer() -> Response:
    """The account."""
    spec = retailer().spec
    return _reply(
        {
            "data": {
                "id": spec.retailer_id,
                "name": spec.company,
                "domain_prefix": spec.prefix,
                "time_zone": spec.timezone,
                "currency": "USD",
                "tax_exclusive": True,
            }
        }
    )


@lightspeed.get("/<version>/webhooks")
def list_webhooks() -> Response:
    """Those registered."""
    rows = [each.row(retailer().spec.retailer_id) for each in retailer().webhooks.all()]
    return _reply({"data": rows})


@lightspeed.post("/<version>/webhooks")
def register_webhook() -> Response:
    """Register one, given as JSON or as a form; its deliveries are signed where an OAuth
    application registers it."""
    given = _given()
    signed = retailer().tokens.is_oauth(_token())
    active = str(given.get("active", True)).lower() != "false"
    try:
        made = retailer().webhooks.add(
            given.get("type"), given.get("url"), active=active, signed=signed
        )
    except AlreadyRegistered:
        return refused(409, "There is a webhook of this type and URL")
    except NotValid:
        return refused(422, "The type or the URL is not valid")
    return _reply({"data": made.row(retailer().spec.retailer_id)}, 201)


@lightspeed.route("/<version>/webhooks/<webhook_id>", methods=["GET", "PUT", "DELETE"])
def one_webhook(webhook_id: str) -> Response:
    """One webhook, read, changed or taken out."""
    hooks = retailer().webhooks
    try:
        if request.method == "DELETE":
            hooks.remove(webhook_id)
            return Response(status=204)
        given = _given()
        names = ("type", "url", "active") if request.method == "PUT" else ()
        fields = {name: given[name] for name in names if name in given}
        changed = hooks.change(webhook_id, fields)
    except KeyError:
        raise _NoSuchRecord from None
    except AlreadyRegistered:
        return refused(409, "There is a webhook of this type and URL")
    return _reply({"data": changed.row(retailer().spec.retailer_id)})


def retailer() -> SimulatedRetailer:
    """The retailer whose token the call carries."""
    account = calling_account()
    assert isinstance(account, SimulatedRetailer)
    return account


def _caller() -> Identified:
    found = simulation().with_prefix(g.prefix)
    if found is None:
        return None, refused(404, "There is no such retailer")
    if not request.headers.get("User-Agent"):
        return found, refused(400, "A User-Agent is required")
    if _called() != "token" and not found.tokens.is_good(found.spec, _token()):
        return found, refused(401, "The token is not valid")
    return found, None


def _called() -> str:
    """What is called: the kind that is listed, the type that is searched, or the last word of the
    path before an id."""
    words = request.path.strip("/").split("/")
    if words[-1] == "search":
        return request.args.get("type", "")
    return words[3] if len(words) > 3 else ""


def _token() -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _page_asked_for() -> int | None:
    """The number that the page would have, of a listing."""
    kind, view = _called(), request.endpoint or ""
    found = _called_retailer()
    if found is None:
        return None
    try:
        if view.endswith(".search"):
            return _whole("offset", 0) // _page_size(LARGEST_SEARCH_PAGE, found) + 1
        if view.endswith(".list_records"):
            _, skip = _listed(found.data.table(kind))
            return skip // _page_size(LARGEST_PAGE, found) + 1
    except ValueError:
        pass
    return None


def _called_retailer() -> SimulatedRetailer | None:
    """The retailer whose domain is called."""
    return simulation().with_prefix(g.prefix)


def _table(kind: str) -> VersionedTable:
    return retailer().data.table(kind)


def _listed(table: VersionedTable) -> tuple[list[bytes], int]:
    before = request.args.get("before")
    return table.listed(
        _whole("after", 0),
        None if before is None else int(before),
        deleted=request.args.get("deleted", "").lower() in ("true", "1"),
    )


def _found() -> Sequence[bytes]:
    kind = request.args.get("type", "")
    if kind not in SEARCHED:
        raise ValueError(kind)
    wanted = {
        name: {text.lower() for text in request.args.getlist(name)}
        for name in SEARCHED[kind]
        if name in request.args
    }
    dated = kind == "sales"
    return _table(kind).search(
        wanted,
        request.args.get("date_from", "") if dated else "",
        request.args.get("date_to", "") if dated else "",
        descending=request.args.get("order_direction", "desc") == "desc",
    )


def _page_size(largest: int, whose: SimulatedRetailer | None = None) -> int:
    asked = min(_whole("page_size", DEFAULT_PAGE_SIZE), largest)
    return max(1, min(asked, (whose or retailer()).spec.page_limit or asked))


def _whole(name: str, default: int) -> int:
    found = int(request.args.get(name, default))
    if found < 0:
        raise ValueError(name)
    return found


def _given() -> dict[str, Any]:
    return {**request.form.to_dict(), **parameters()}


def _reply(body: Record, status: int = 200) -> Response:
    return json_reply(encode(body), status)
