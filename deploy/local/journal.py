"""Logs of the parts that run inside the stack's own process."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path


class Journal:
    """A log file: one JSON object a line. May be written from any thread; what comes after
    ``close`` is dropped, for what was under way when the stack stopped may end later."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        self._lock = threading.Lock()

    def write(self, event: str, **fields: object) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **fields})
        with self._lock:
            if not self._file.closed:
                self._file.write(f"{line}\n")
                self._file.flush()

    def close(self) -> None:
        with self._lock:
            self._file.close()
