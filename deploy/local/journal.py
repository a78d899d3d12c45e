"""Logs of the parts that run inside the stack's own process: one JSON object a line."""

from pathlib import Path
from typing import TextIO

import structlog


class Journal:
    """A log file. ``log`` may be used from any thread."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w")
        self.log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger("info"),
        )

    def close(self) -> None:
        self._file.close()
