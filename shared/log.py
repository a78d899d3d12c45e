"""Logs as Cloud Logging reads them: one JSON object per line with a constant event name.

Personal data and secrets are never logged, only the ids of orgs, runs and records.
"""

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger


def configure(level: str = "INFO") -> None:
    """Set up logging for a function; a repeated call changes only the level."""
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


def _for_cloud_logging(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    severity = "ERROR" if method == "exception" else method.upper()
    return {"severity": severity, "message": event.pop("event"), **event}
