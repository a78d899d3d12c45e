"""``.local/bench.json``: the last figures of each benchmark, with where and when."""

import json
from typing import Any

from deploy.local.paths import STATE

FILE = STATE / "bench.json"


def keep(name: str, entry: dict[str, Any]) -> None:
    """Put a benchmark's figures in the place of its last ones."""
    STATE.mkdir(exist_ok=True)
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(json.dumps({**kept, name: entry}, indent=2, default=str) + "\n")
