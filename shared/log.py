"""Logs as Cloud Logging reads them: one JSON object per line with a constant event name.

Personal data and secrets are never logged, only the ids of orgs, runs and records.
"""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared import tracing


def configure(level: str = "INFO", project: str = "") -> None:
    """Set up logging for a function; a repeated call changes only these two. With a project every
    line says to which of its traces it belongs."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            *([_in_trace_of(project)] if project else []),
            _for_cloud_logging,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    server = logging.getLogger("gunicorn.error")
    if _without_addresses not in server.filters:
        server.addFilter(_without_addresses)


def _without_addresses(record: logging.LogRecord) -> bool:
    """The web server names the address of a request that it fails at, which may hold a secret."""
    if isinstance(record.args, tuple):
        record.args = tuple("/…" if str(each).startswith("/") else each for each in record.args)
    return True


def _for_cloud_logging(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    severity = "ERROR" if method == "exception" else method.upper()
    return {"severity": severity, "message": event.pop("event"), **event}


def _in_trace_of(project: str) -> Processor:
    """Adds the fields by which Cloud Logging finds the lines of a trace."""

    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        found = tracing.current()
        if found is not None:
            trace_id, span_id = tracing.ids_of(found)
            event["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace_id}"
            event["logging.googleapis.com/spanId"] = span_id
            event["logging.googleapis.com/trace_sampled"] = found.trace_flags.sampled
        return event

    return add
