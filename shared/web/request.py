"""Reading a request: size limits, and path, query and body against their models."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import IO, Annotated, ClassVar, cast

from flask import Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from shared import tracing
from shared.errors import RequestInvalid, RequestRefused, at_fault

KIB = 1024
LONGEST_QUERY = 2_048
LARGEST_HEADERS = 16_384

# These become one segment of a Firestore document's path, and must not be a reserved id.
RecordId = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]*$")
]
OrgId = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
]


class InHeader:
    """Marks a field of Params that is sent as the header of its alias."""


IdempotencyKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$"),
    Field(alias="Idempotency-Key"),
    InHeader(),
]

# For lists that are read page by page.
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
PageSize = Annotated[int, Field(ge=1, le=200)]
SmallPageSize = Annotated[int, Field(ge=1, le=50)]
"""Where each item may be long."""


# A day by the calendar of an org: no time zone moves these out of the years that there are.
PeriodDay = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]


class BodyTooLarge(RequestRefused):
    """The body is over the route's limit."""

    code = "body_too_large"
    status = 413


class QueryTooLong(RequestRefused):
    """The query is over the limit."""

    code = "query_too_long"
    status = 414


class NotJson(RequestRefused):
    """The body has another media type than JSON."""

    code = "not_json"
    status = 415


class HeadersTooLarge(RequestRefused):
    """The headers are over the limit."""

    code = "headers_too_large"
    status = 431


class Params(BaseModel):
    """Base of a route's path and query parameters, and of the headers that it reads (InHeader).
    Unknown parameters are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    @classmethod
    def header_names(cls) -> list[str]:
        """The headers among them."""
        fields = cls.model_fields.values()
        return [str(f.alias) for f in fields if any(isinstance(m, InHeader) for m in f.metadata)]


class NoParams(Params):
    """Neither path nor query parameters."""


class OrgQuery(Params):
    """An org."""

    org_id: OrgId


class PageQuery(OrgQuery):
    """A page of an org's list; ``cursor`` is the ``nextCursor`` of the page before."""

    cursor: Cursor | None = None
    limit: PageSize = 50


class Body(BaseModel):
    """Base of JSON request bodies. An absent body is an empty object."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class NoBody(Body):
    """A request without a body."""


class RawBody(Body):
    """A body that the handler reads itself (``RouteCall.raw``). The fields are only for the OpenAPI
    description: nothing is validated here."""

    model_config = ConfigDict(frozen=True, extra="allow")

    media_type: ClassVar[str] = "application/json"


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """A request whose route is known: its path parameters and its body as sent."""

    request: Request
    path: Mapping[str, str]
    raw: bytes


@contextmanager
def in_trace(request: Request) -> Iterator[str]:
    """Go on with the trace that Google's front end began for the request, or begin one. Its id is
    the request's."""
    headers = request.headers
    caller = tracing.of_w3c(headers.get("traceparent"))
    caller = caller or tracing.of_google(headers.get("X-Cloud-Trace-Context"))
    with tracing.door("request", caller) as entered:
        yield tracing.ids_of(entered.get_span_context())[0]


def check_sizes(request: Request) -> None:
    """Raises QueryTooLong or HeadersTooLarge. Both limits are in bytes."""
    if len(request.query_string) > LONGEST_QUERY:
        raise QueryTooLong(f"the query may have {LONGEST_QUERY} bytes")
    if sum(len(name) + len(value) for name, value in request.headers) > LARGEST_HEADERS:
        raise HeadersTooLarge(f"all headers together may have {LARGEST_HEADERS} bytes")


class GuardedBody:
    """A request's body as the server reads it. One that cannot be read ends where it is broken."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.broken = False

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes, or all. Never raises."""
        if self.broken:
            return b""
        try:
            return self._stream.read(size)
        except Exception:  # each server has errors of its own
            self.broken = True
            return b""


def guard_body(request: Request) -> GuardedBody:
    """The request's stream, in its place from now on: functions-framework reads what is left of it
    after the answer is made, and an error would replace the answer."""
    stream: object = request.stream
    if not isinstance(stream, GuardedBody):
        stream = GuardedBody(request.stream)
        request.stream = cast(IO[bytes], stream)
    return stream


def read_body(request: Request, largest: int) -> bytes:
    """The body as sent. Raises BodyTooLarge, without reading it if its length is announced, and
    RequestInvalid where the server cannot read it: it is cut off, or a chunk is malformed."""
    if (request.content_length or 0) > largest:
        raise BodyTooLarge(f"the body may have {largest} bytes")
    stream = guard_body(request)
    raw = stream.read(largest + 1)
    if stream.broken:
        raise RequestInvalid("the body cannot be read")
    if len(raw) > largest:
        raise BodyTooLarge(f"the body may have {largest} bytes")
    return raw


def parse_params(model: type[Params], routed: RoutedRequest) -> Params:
    """The path and query parameters, and the headers among them. Raises RequestInvalid that names
    each invalid one."""
    headers = model.header_names()
    sent = {name: value for name in headers if (value := routed.request.headers.get(name))}
    given = {**routed.path, **sent}
    for name, values in routed.request.args.lists():
        if name in given or len(values) > 1:
            raise RequestInvalid(f"{name}: given more than once")
        if name in headers:
            raise RequestInvalid(f"{name}: to be sent as a header")
        given[name] = values[0]
    return params_of(model, given)


def params_of(model: type[Params], given: Mapping[str, str]) -> Params:
    """Parameters as sent, by their aliases. Raises RequestInvalid that names each invalid one."""
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise RequestInvalid(at_fault(error)) from None


def parse_body(model: type[Body], routed: RoutedRequest) -> Body:
    """The JSON body. Raises NotJson for another media type, and RequestInvalid that names each
    invalid field."""
    if issubclass(model, NoBody | RawBody):
        return model.model_construct()
    if routed.raw and not routed.request.is_json:
        raise NotJson("the body must be application/json")
    try:
        return model.model_validate_json(routed.raw or b"{}", strict=True)
    except ValidationError as error:
        raise RequestInvalid(at_fault(error)) from None
