"""What goes out: replies and errors as responses, with the headers that every answer bears."""

from typing import Any

import structlog
from flask import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from shared.errors import (
    NotFound,
    OrgError,
    ProviderError,
    RequestInvalid,
    RequestRefused,
    RetryLater,
    SyncSamError,
    TooOften,
)
from shared.web.refusals import NoSuchMethod
from shared.web.reply import Answer, Content, ErrorAnswer, ErrorDetail, Reply
from shared.web.route import Route

JSON = "application/json"
INTERNAL = "internal"
RETRY_SECONDS = 5

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Unless the answer itself says otherwise."""

log = structlog.get_logger(__name__)


def of_reply(reply: Reply, route: Route[Any, Any], request: Request) -> Response:
    """The response of a reply; 304 where the caller has this very version already."""
    match reply.body:
        case Answer():
            data, media_type = reply.body.model_dump_json(exclude_none=True).encode(), JSON
        case Content():
            data, media_type = reply.body.data, reply.body.media_type
        case None:
            data, media_type = b"", JSON
    response = Response(data, status=reply.status, content_type=media_type)
    response.headers.update(reply.headers)
    if route.cached:
        response.headers.setdefault("Cache-Control", route.cached.header)
        if not route.cached.public:
            response.headers.setdefault("Vary", "Authorization, Cookie")
        if reply.etag:
            response.set_etag(reply.etag)
        else:
            response.add_etag()
        if reply.status == 200:
            response.make_conditional(request)
    return response


def of_error(error: Exception, request_id: str) -> Response:
    """The response of an error, in the contract's form. Nothing that was not meant for the
    caller gets into it: what is unforeseen is told to the log alone."""
    status, code, message = _told(error)
    detail = ErrorDetail(code=code, message=message, request_id=request_id)
    response = Response(
        ErrorAnswer(error=detail).model_dump_json(), status=status, content_type=JSON
    )
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if isinstance(error, TooOften):
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def finish(response: Response, request_id: str, *, head: bool) -> None:
    """Give a response what all have."""
    response.headers["X-Request-Id"] = request_id
    for name, value in _EVERYWHERE.items():
        response.headers.setdefault(name, value)
    if head:
        length = response.content_length
        response.set_data(b"")
        response.content_length = length


def _told(error: Exception) -> tuple[int, str, str]:
    """Status, code and message for the caller."""
    match error:
        case RequestRefused():
            return error.status, error.code, str(error)
        case MethodNotAllowed():
            return NoSuchMethod.status, NoSuchMethod.code, "this path has no such method"
        case HTTPException(code=404):
            return NotFound.status, NotFound.code, "there is nothing at this path"
        case HTTPException(code=int(status)) if status < 500:
            # Werkzeug's own word on a request that it cannot read: one cut off, for instance.
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
