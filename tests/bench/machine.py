"""Where and when figures were measured: without that they say nothing."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from deploy.local.paths import ROOT


def description() -> dict[str, Any]:
    """Machine, moment and state of the code. ``load`` is how many processes wanted a core in the
    minute before."""
    return {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memoryGiB": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "load": load(),
    }


def load() -> float:
    """Processes that wanted a core in the last minute, on average."""
    return round(os.getloadavg()[0], 1)


def _processor() -> str:
    names = (
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    return next(names, platform.machine())


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty", "--exclude=*")
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip()
