"""The POS's API under ``/api``, in both styles: each org speaks the one of its account."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, request

from deploy.local.simulator import metadata, orders_taken, wire_rest, wire_search
from deploy.local.simulator.auth import Refused, sign_in
from deploy.local.simulator.call import (
    begin_call,
    caller,
    end_call,
    listing_faults,
    parameters,
    pos_caller,
    simulation,
    window,
)
from deploy.local.simulator.fault_replies import error_reply, json_reply
from deploy.local.simulator.listing import cut
from deploy.local.simulator.seed.inventory import areas
from deploy.local.simulator.spec import ApiStyle
from deploy.local.simulator.table import encode
from deploy.local.simulator.wire_rest import RestWire

api = Blueprint("pos", __name__, url_prefix="/api")

# Which endpoint, in the words of faults and counts, a route belongs to.
_ENDPOINTS = {
    "authenticate": "auth",
    "search_customers": "customers",
    "list_customers": "customers",
    "get_customer": "customers",
    "search_orders": "orders",
    "list_orders": "orders",
    "get_order": "orders",
    "search_inventory": "inventory",
    "list_locations": "location",
    "get_batch": "batch",
    "list_discounts": "discounts",
    "make_customer": "writes",
    "make_order": "writes",
    "add_line": "writes",
    "give_discount": "writes",
}


class _NotGiven(Exception):
    """The call lacks something that it must name."""


class _NotFound(Exception):
    """No such record, or the org's account does not speak the style of the called route."""


@api.before_request
def _begin() -> Response | None:
    view = (request.endpoint or "").rpartition(".")[2]
    endpoint = _ENDPOINTS.get(view, "metadata")
    return begin_call(endpoint, lambda: pos_caller(endpoint))


@api.after_request
def _end(reply: Response) -> Response:
    return end_call(reply)


@api.errorhandler(_NotFound)
def _not_found(_: Exception) -> Response:
    return error_reply(404, "Not found")


@api.errorhandler(_NotGiven)
@api.errorhandler(ValueError)
def _bad_request(_: Exception) -> Response:
    return error_reply(400, "Bad request")


@api.post("/auth")
def authenticate() -> Response:
    """A token for a user name, a password and, where the org has one, a pin."""
    try:
        return json_reply(encode(sign_in(simulation().orgs, parameters())))
    except Refused as refused:
        return error_reply(401, str(refused))


@api.post("/customer/search")
def search_customers() -> Response:
    """Customers by id, as an object with numeric-string keys."""
    _speaks("search")
    listing = caller().dataset.customers.texts()
    return json_reply(wire_search.numbered(cut(listing, window(), listing_faults()).rows))


@api.get("/order")
def search_orders() -> Response:
    """Orders, newest first, between ``startDate`` and ``endDate`` of the shop's calendar."""
    _speaks("search")
    return json_reply(wire_search.counted(cut(_orders(), window(), listing_faults())))


@api.post("/inventory/search")
def search_inventory() -> Response:
    """The stock rows of a location, all at once unless ``take`` or ``pageSize`` is given; in the
    rest style its products."""
    given = parameters()
    if caller().spec.api_style == "rest":
        listing = wire_rest.products_of(caller().dataset.inventory_at(_own_location()))
        part = cut(listing, window(default_take=None), listing_faults())
        return json_reply(wire_rest.products(part))
    location_id = given.get("id_location")
    listing = caller().dataset.inventory_at(None if location_id is None else int(location_id))
    query = str(given.get("query") or "").lower()
    if query:
        listing = [row for row in listing if query in str(json.loads(row)["item"]).lower()]
    part = cut(listing, window(default_take=None), listing_faults())
    return json_reply(wire_search.counted(part))


@api.get("/customers")
def list_customers() -> Response:
    """Customers by id, ``{"customers": […], "total": n, "page": n}``. Those of every location are
    the same: a customer is of none."""
    _speaks("rest")
    known = _own_location() in caller().spec.location_ids
    listing = caller().dataset.customers.texts() if known else []
    return _wrapped("customers", listing)


@api.get("/orders")
def list_orders() -> Response:
    """A location's orders, newest first, ``{"orders": […], "total": n}``."""
    _speaks("rest")
    here = _own_location()
    listing = [text for text in _orders() if _is_at(json.loads(text), here)]
    return _wrapped("orders", listing)


@api.get("/customer/<record_id>")
def get_customer(record_id: str) -> Response:
    """One customer."""
    return _one("customers", record_id)


@api.get("/order/<record_id>")
def get_order(record_id: str) -> Response:
    """One order."""
    return _one("orders", record_id)


@api.get("/location")
def list_locations() -> Response:
    """The account's locations."""
    return _reply(metadata.locations(caller()))


@api.get("/inventory/<any(brand,category,vendor):kind>")
def list_named(kind: str) -> Response:
    """The brands, categories or vendors that the stock rows name."""
    return _reply(metadata.named(caller(), kind))


@api.get("/inventory/area")
def list_areas() -> Response:
    """The areas of one location."""
    style = caller().spec.api_style
    location_id = _own_location() if style == "rest" else int(parameters().get("id_location", ""))
    return _reply(areas(location_id))


@api.get("/inventory/batch/<int:batch_id>")
def get_batch(batch_id: int) -> Response:
    """One batch, of which the POS knows more than its stock list tells."""
    rows = (row for row in caller().dataset.inventory if row["id_batch"] == batch_id)
    batch = next(rows, None)
    if batch is None:
        raise _NotFound
    return _reply(metadata.batch(batch))


@api.get("/discount")
def list_discounts() -> Response:
    """The account's discounts."""
    return _reply(metadata.discounts(caller()))


@api.post("/customer")
def make_customer() -> Response:
    """A new customer."""
    return _reply(orders_taken.make_customer(caller(), parameters()))


@api.post("/order")
def make_order() -> Response:
    """A new order, without lines yet."""
    return _made(lambda: orders_taken.make_order(caller(), parameters()))


@api.post("/order/<int:order_id>/item")
def add_line(order_id: int) -> Response:
    """One more line of an order."""
    return _made(lambda: orders_taken.add_line(caller(), str(order_id), parameters()))


@api.post("/order/<int:order_id>/discount")
def give_discount(order_id: int) -> Response:
    """A discount on an order."""
    return _made(lambda: orders_taken.give_discount(caller(), str(order_id), parameters()))


def _made(make: Callable[[], dict[str, Any]]) -> Response:
    try:
        return _reply(make())
    except KeyError:
        raise _NotFound from None


def _speaks(style: ApiStyle) -> None:
    if caller().spec.api_style != style:
        raise _NotFound


def _orders() -> list[bytes]:
    given = parameters()
    oldest_first = caller().dataset.orders_between(given.get("startDate"), given.get("endDate"))
    return oldest_first[::-1]


def _one(kind: str, record_id: str) -> Response:
    try:
        record = caller().dataset.table(kind).get(record_id)
    except KeyError:
        raise _NotFound from None
    if caller().spec.api_style == "rest":
        if (
            kind == "orders"
            and "locationId" in request.args
            and not _is_at(record, _own_location())
        ):
            raise _NotFound
        return _reply(_rest().shape(kind)(record))
    return _reply(record)


def _rest() -> RestWire:
    return RestWire(caller().dataset)


def _wrapped(kind: str, listing: Sequence[bytes]) -> Response:
    page = int(parameters().get("page", 1))
    return json_reply(_rest().wrapped(kind, cut(listing, window(), listing_faults()), page))


def _own_location() -> int:
    """The location that a call of the rest style must name."""
    given = parameters().get("locationId")
    if given is None:
        raise _NotGiven
    return int(given)


def _is_at(order: Any, location_id: int) -> bool:
    """Whether an order is of a location. One that is of none is listed at the first."""
    own = order.get("id_location") if isinstance(order, dict) else None
    first = caller().spec.location_ids[0]
    known = {str(each) for each in caller().spec.location_ids}
    return str(own if str(own) in known else first) == str(location_id)


def _reply(body: Any) -> Response:
    return json_reply(encode(body))
