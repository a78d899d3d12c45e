"""What comes in: sizes within limits, parameters and body of the declared form."""

import re
import uuid
from typing import Any

from flask import Request
from pydantic import BaseModel, ValidationError

from shared.errors import RequestInvalid, at_fault
from shared.web.refusals import BodyTooLarge, HeadersTooLarge, NotJson, QueryTooLong
from shared.web.route import NoBody, RawBody, Route
from shared.web.rules import Incoming

LONGEST_QUERY = 2_048
LARGEST_HEADERS = 16_384

_TRACE = re.compile(r"^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")


def request_id(request: Request) -> str:
    """The trace that Google's front end began for the request, else an id of its own."""
    trace = _TRACE.match(request.headers.get("traceparent", ""))
    return trace[1] if trace else uuid.uuid4().hex


def check_sizes(request: Request) -> None:
    """Raises QueryTooLong or HeadersTooLarge (both in bytes)."""
    if len(request.query_string) > LONGEST_QUERY:
        raise QueryTooLong(f"the query may have {LONGEST_QUERY} bytes")
    if sum(len(name) + len(value) for name, value in request.headers) > LARGEST_HEADERS:
        raise HeadersTooLarge(f"all headers together may have {LARGEST_HEADERS} bytes")


def read_body(request: Request, largest: int) -> bytes:
    """The body as sent. Raises BodyTooLarge, where the length is announced without reading it."""
    if (request.content_length or 0) > largest:
        raise BodyTooLarge(f"the body may have {largest} bytes")
    raw = request.stream.read(largest + 1)
    if len(raw) > largest:
        raise BodyTooLarge(f"the body may have {largest} bytes")
    return raw


def params(route: Route[Any, Any], incoming: Incoming) -> BaseModel:
    """The path and query parameters. Raises RequestInvalid naming each one at fault."""
    given = dict(incoming.path)
    for name, values in incoming.request.args.lists():
        if name in given or len(values) > 1:
            raise RequestInvalid(f"{name}: given more than once")
        given[name] = values[0]
    model: type[BaseModel] = route.params
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise RequestInvalid(at_fault(error)) from None


def body(route: Route[Any, Any], incoming: Incoming) -> BaseModel:
    """The JSON body; absent, it is an empty object. Raises NotJson for another media type and
    RequestInvalid naming each field at fault."""
    model: type[BaseModel] = route.body
    if issubclass(model, NoBody | RawBody):
        return model.model_construct()
    if incoming.raw and not incoming.request.is_json:
        raise NotJson("the body must be application/json")
    try:
        return model.model_validate_json(incoming.raw or b"{}", strict=True)
    except ValidationError as error:
        raise RequestInvalid(at_fault(error)) from None
