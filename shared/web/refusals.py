"""Requests that are refused before they mean anything."""

from shared.errors import RequestRefused


class NoSuchMethod(RequestRefused):
    """The path exists, the method on it does not."""

    code = "method_not_allowed"
    status = 405


class BodyTooLarge(RequestRefused):
    """The body is over the route's limit."""

    code = "body_too_large"
    status = 413


class QueryTooLong(RequestRefused):
    """The query is over the limit."""

    code = "query_too_long"
    status = 414


class NotJson(RequestRefused):
    """A body of another media type than JSON."""

    code = "not_json"
    status = 415


class HeadersTooLarge(RequestRefused):
    """The headers are over the limit."""

    code = "headers_too_large"
    status = 431
