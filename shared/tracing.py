"""Traces: what led to what, from a tick or a request to the commits of a run, and how long each
part took.

A trace begins, or goes on, at a door: where a function is handed a message, a changed document or a
request. It travels as a W3C ``traceparent`` in the attributes of messages, and every log line bears
its id. Spans are recorded only once ``record`` was called; until then a door makes ids and nothing
else, and OpenTelemetry's SDK is not even loaded.

Spans hold no personal data: their names are constant, their attributes ids of orgs and runs, names
of streams, and counts; of an error only its class.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    StatusCode,
    TraceFlags,
    Tracer,
)
from structlog.contextvars import get_contextvars

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

TRACEPARENT = "traceparent"
"""Name of the attribute of a message, or of the header of a request."""
_W3C = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_GOOGLE = re.compile("([0-9a-f]{32})/([0-9]{1,20})(?:;o=([01]))?")
_IDS = ("org_id", "run_id")


@dataclass(frozen=True, slots=True)
class _Recorder:
    provider: "TracerProvider"
    tracer: Tracer


_recorder: _Recorder | None = None


def record(processor: "SpanProcessor | None", attributes: Mapping[str, str] | None = None) -> None:
    """From now on hand spans to the processor; with None record nothing. ``attributes`` describe
    this process. How many traces are recorded is OTEL_TRACES_SAMPLER's to say, by default all that
    begin here and those that their caller records."""
    global _recorder
    if _recorder is not None:
        _recorder.provider.shutdown()
        _recorder = None
    if processor is None:
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    # Not made OpenTelemetry's global one: Google's libraries would record spans of their own.
    provider = TracerProvider(resource=Resource.create(dict(attributes or {})))
    provider.add_span_processor(processor)
    _recorder = _Recorder(provider, provider.get_tracer("sync-sam"))


@contextmanager
def door(name: str, caller: SpanContext | None, *, flush: bool = False) -> Iterator[Span]:
    """Go on with the caller's trace, or begin one. ``flush``: the spans are exported before the
    door closes, since an instance without a request may have no CPU to do so later; it takes as
    long as the exporter allows."""
    entered = _begin(name, caller)
    try:
        with _current(entered):
            yield entered
    finally:
        if flush and _recorder and entered.get_span_context().trace_flags.sampled:
            _recorder.provider.force_flush()


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[Span]:
    """A part of the current trace, with the org and the run that its log lines have. Also a
    decorator. Outside of a trace, and where it is not recorded, nothing is made."""
    around = trace.get_current_span()
    # Whether the trace is recorded, not the span: that may have ended before what it asked for.
    if _recorder is None or not around.get_span_context().trace_flags.sampled:
        yield around
        return
    logged = get_contextvars()
    ids = {each: str(logged[each]) for each in _IDS if each in logged}
    with _current(_recorder.tracer.start_span(name, attributes={**ids, **attributes})) as entered:
        yield entered


def note(**attributes: str | int | float) -> None:
    """Add attributes to the current span, if it is recorded."""
    trace.get_current_span().set_attributes(attributes)


def current() -> SpanContext | None:
    """Ids of the current span; None outside of a trace."""
    found = trace.get_current_span().get_span_context()
    return found if found.is_valid else None


def ids_of(context: SpanContext) -> tuple[str, str]:
    """Ids of a trace and of a span of it, in 32 and 16 hexadecimal digits."""
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def carried() -> dict[str, str]:
    """The attributes by which a message carries the current trace; none outside of one."""
    found = current()
    if found is None:
        return {}
    return {TRACEPARENT: f"00-{'-'.join(ids_of(found))}-{found.trace_flags:02x}"}


def of_w3c(text: str | None) -> SpanContext | None:
    """The span that a ``traceparent`` names; None where it is missing or invalid."""
    found = _W3C.fullmatch(text or "")
    return _remote(found[1], int(found[2], 16), int(found[3], 16)) if found else None


def of_google(text: str | None) -> SpanContext | None:
    """The span that an ``X-Cloud-Trace-Context`` names; None where it is missing or invalid."""
    found = _GOOGLE.fullmatch(text or "")
    return _remote(found[1], int(found[2]), int(found[3] or 0)) if found else None


def _remote(trace_id: str, span_id: int, flags: int) -> SpanContext | None:
    sampled = TraceFlags(flags & TraceFlags.SAMPLED)
    found = SpanContext(int(trace_id, 16), span_id, is_remote=True, trace_flags=sampled)
    return found if found.is_valid else None


def _begin(name: str, caller: SpanContext | None) -> Span:
    if _recorder is not None:
        around = Context()
        if caller:
            around = trace.set_span_in_context(NonRecordingSpan(caller), around)
        began = _recorder.tracer.start_span(name, around)
        if began.get_span_context().is_valid:  # it is not where OTEL_SDK_DISABLED is set
            return began
    new = SpanContext(secrets.randbits(128), secrets.randbits(64), is_remote=False)
    return NonRecordingSpan(caller or new)


@contextmanager
def _current(entered: Span) -> Iterator[Span]:
    """Work within the span. Of an error only the class is kept: its text may name people."""
    with trace.use_span(
        entered, end_on_exit=True, record_exception=False, set_status_on_exception=False
    ):
        try:
            yield entered
        except Exception as error:
            entered.set_status(StatusCode.ERROR, type(error).__name__)
            raise
