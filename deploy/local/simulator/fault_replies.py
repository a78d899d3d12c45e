"""Faults that answer in place of the POS, or bend the answer's body."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from gzip import compress
from http import HTTPStatus
from threading import Event

from flask import Response

from deploy.local.simulator.fault import (
    DecompressionBomb,
    DeepNesting,
    EndlessContinue,
    Fault,
    LateAnswer,
    Latency,
    RateLimited,
    RowFlood,
    ServerError,
    SlowHeaders,
    TimeOut,
    TruncatedJson,
    Unauthorized,
)
from deploy.local.simulator.fault_wire import send_before
from deploy.local.simulator.table import encode

_MEGABYTE = 1_000_000
_WRAPPED = b'{"data":['
"""How a list begins that is not the whole reply."""

Refusal = Callable[[int, str], Response]
"""A reply of this status that says this."""


def json_reply(body: bytes, status: int = 200) -> Response:
    """A reply of JSON text."""
    return Response(body, status=status, mimetype="application/json")


def error_reply(status: int, message: str) -> Response:
    """A reply as the POS refuses: ``{"error": message}``."""
    return json_reply(encode({"error": message}), status)


def answer_instead(
    faults: Sequence[Fault], stopping: Event, refuse: Refusal = error_reply
) -> Response | None:
    """Wait out the latencies; then the first fault that answers by itself, if any does."""
    delay = sum(fault.ms for fault in faults if isinstance(fault, Latency))
    if delay:
        stopping.wait(delay / 1000)
    for fault in faults:
        match fault:
            case Unauthorized():
                return refuse(401, "Unauthorized")
            case ServerError():
                return refuse(fault.status, "Internal server error")
            case RateLimited():
                return _rate_limited(fault, refuse)
            case TimeOut():
                stopping.wait(fault.seconds)
                return refuse(504, "Gateway timeout")
            case SlowHeaders() | EndlessContinue():
                send_before(fault, stopping)
            case _:
                pass
    return None


def bend_body(faults: Sequence[Fault], reply: Response, stopping: Event) -> Response:
    """The reply with its body cut in half, or with another in its place, or late, where a fault
    asks for that."""
    late = sum(fault.seconds for fault in faults if isinstance(fault, LateAnswer))
    if late:
        stopping.wait(late)
    for fault in faults if reply.status_code == HTTPStatus.OK else ():
        match fault:
            case TruncatedJson():
                body = reply.get_data()
                reply.set_data(body[: len(body) // 2])
            case RowFlood():
                row = b"0" if fault.row == "zero" else b"{}"
                rows = b"[" + (row + b",") * (fault.rows - 1) + row + b"]"
                wrapped = reply.get_data().startswith(_WRAPPED)
                reply.set_data(b'{"data":%s}' % rows if wrapped else rows)
            case DeepNesting():
                reply.set_data(b"[" * fault.levels + b"]" * fault.levels)
            case DecompressionBomb():
                reply.set_data(compress(b"[" + b" " * fault.megabytes * _MEGABYTE + b"]"))
                reply.headers["Content-Encoding"] = "gzip"
            case _:
                pass
    return reply


def http_date(at: datetime) -> str:
    """An HTTP date has whole seconds: the next one, so that no wait is shorter than asked."""
    return format_datetime((at + timedelta(seconds=1)).replace(microsecond=0), usegmt=True)


def _rate_limited(fault: RateLimited, refuse: Refusal) -> Response:
    reply = refuse(429, "Too many requests")
    if fault.retry_after is None:
        return reply
    if fault.form == "date":
        at = datetime.now(UTC) + timedelta(seconds=fault.retry_after)
        reply.headers["Retry-After"] = http_date(at)
    else:
        reply.headers["Retry-After"] = str(fault.retry_after)
    return reply
