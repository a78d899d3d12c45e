"""Building a response: what handlers return, the form of errors, and the common headers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import structlog
from flask import Request, Response
from flask import request as current_request
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from shared.errors import (
    NotFound,
    OrgError,
    ProviderError,
    RateLimited,
    RequestInvalid,
    RequestRefused,
    RetryLater,
    SyncSamError,
)
from shared.web.request import guard_body, in_trace

JSON = "application/json"
INTERNAL = "internal"
RETRY_SECONDS = 5

_DEFAULT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""A handler's own headers take precedence."""

log = structlog.get_logger(__name__)


class NoSuchMethod(RequestRefused):
    """The path exists, but not with this method."""

    code = "method_not_allowed"
    status = 405


class ResponseModel(BaseModel):
    """Base of JSON responses. Fields that are None are left out."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A nullable field is not required, because None is left out."""
        schema = handler(core)
        described = handler.resolve_ref_schema(schema)
        fields = described.get("properties", {})
        required = [n for n in described.get("required", []) if not _nullable(fields[n])]
        described["required"] = required
        return schema


def _nullable(field: Mapping[str, Any]) -> bool:
    return {"type": "null"} in field.get("anyOf", ())


class ErrorDetail(ResponseModel):
    """What went wrong: ``code`` is stable, ``message`` is for people."""

    code: str
    message: str
    request_id: str


class ErrorResponse(ResponseModel):
    """Every error has this form."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class RawContent:
    """A response body that is already encoded."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamedContent:
    """A response body that is sent part by part; it has no ETag. An error after the first part
    breaks the answer off."""

    media_type: str
    parts: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class RouteReply:
    """What a handler returns. ``etag`` is the version of the content; a cached route without one
    gets it from the body. A 304 has no body."""

    body: ResponseModel | RawContent | StreamedContent | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Cached:
    """How long a response may be cached; ``public``: by proxies too. It has an ETag."""

    seconds: int
    public: bool = False

    @property
    def header(self) -> str:
        return f"{'public' if self.public else 'private'}, max-age={self.seconds}"


CHECKED = Cached(seconds=0)
"""A browser keeps it, and asks each time whether it is still current."""


def response_of(reply: RouteReply, cached: Cached | None, request: Request) -> Response:
    """The response for a reply; 304 if the client has this version already."""
    data: bytes | Iterator[bytes]
    match reply.body:
        case StreamedContent():
            data, media_type = reply.body.parts, reply.body.media_type
        case ResponseModel():
            data, media_type = reply.body.model_dump_json(exclude_none=True).encode(), JSON
        case RawContent():
            data, media_type = reply.body.data, reply.body.media_type
        case None:
            data, media_type = b"", JSON
    response = Response(data, status=reply.status, content_type=media_type)
    response.headers.update(reply.headers)
    if cached:
        response.headers.setdefault("Cache-Control", cached.header)
        if not cached.public:
            response.headers.setdefault("Vary", "Authorization, Cookie")
        if reply.etag:
            response.set_etag(reply.etag)
        else:
            response.add_etag()
        if reply.status == 200:
            response.make_conditional(request)
    return response


ErrorPage = Callable[[Request, int, ErrorDetail], RouteReply | None]
"""From a request, the status of its error and the error to what a person is shown instead of JSON;
None for programs."""


def no_page(request: Request, status: int, detail: ErrorDetail) -> None:
    """For functions that only programs call."""


def error_response(
    error: Exception, error_id: str, request: Request, page: ErrorPage = no_page
) -> Response:
    """The response for an error. Details of unexpected errors are only logged."""
    status, code, message = _classify(error)
    detail = ErrorDetail(code=code, message=message, request_id=error_id)
    shown = page(request, status, detail)
    reply = shown or RouteReply(ErrorResponse(error=detail), status=status)
    response = response_of(reply, None, request)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def finish(response: Response, sent_id: str, *, head: bool) -> None:
    """Add the headers of every response, and drop the body for HEAD."""
    response.headers["X-Request-Id"] = sent_id
    for name, value in _DEFAULT_HEADERS.items():
        response.headers.setdefault(name, value)
    if head:
        length = response.content_length
        response.set_data(b"")
        response.content_length = length


def framework_error(error: HTTPException) -> Response:
    """The response for an error of functions-framework itself, which answers some requests before
    it calls the function: /robots.txt, a path with a line break."""
    guard_body(current_request)
    with in_trace(current_request) as error_id:
        response = error_response(error, error_id, current_request)
        finish(response, error_id, head=current_request.method == "HEAD")
        log.info("request_unrouted", request_id=error_id, status=response.status_code)
    return response


def _classify(error: Exception) -> tuple[int, str, str]:
    """Status, code and message for the client."""
    match error:
        case RequestRefused():
            return error.status, error.code, str(error)
        case MethodNotAllowed():
            return NoSuchMethod.status, NoSuchMethod.code, "this path has no such method"
        case HTTPException(code=404):
            return NotFound.status, NotFound.code, "there is nothing at this path"
        case HTTPException(code=int(status)) if status < 500:
            # Werkzeug could not read the request: it was cut off, for instance.
            return RequestInvalid.status, RequestInvalid.code, "the request cannot be read"
        case RetryLater():
            log.warning("request_postponed", reason=str(error))
            return 503, error.code, "not now: try again in a moment"
        case ProviderError():
            log.warning("provider_failed", code=error.code, reason=str(error))
            return 502, error.code, str(error)
        case OrgError():
            return 409, error.code, str(error)
        case SyncSamError():
            log.error("request_failed", code=error.code, reason=str(error))
            return 500, error.code, "this could not be done"
    log.error("request_failed", exc_info=error)
    return 500, INTERNAL, "something went wrong on our side"
