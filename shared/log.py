"""Logs as Cloud Logging reads them: one JSON object a line, constant event names, fields beside.

Personal data and secrets are never logged: ids of orgs, runs and records are enough to find them.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger


def configure(level: str = "INFO") -> None:
    """Set logging up for a function. Calling it again changes nothing but the level."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            _for_cloud_logging,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )


def bound(**fields: Any) -> Any:
    """Context manager: every line logged within bears the fields, also from threads that carry
    the context."""
    return structlog.contextvars.bound_contextvars(**fields)


def _for_cloud_logging(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    severity = "ERROR" if method == "exception" else method.upper()
    return {"severity": severity, "message": event.pop("event"), **event}
