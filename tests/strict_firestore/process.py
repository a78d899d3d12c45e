"""Starts the proxy in a process of its own: it takes no time from the tests' interpreter."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.paths import ROOT
from deploy.local.processes import StartFailed
from tests.strict_firestore.control import Control

STOP_SECONDS = 5.0


def wanted() -> bool:
    """Whether tests are to run behind it: unless STRICT_FIRESTORE=0 is set."""
    return os.environ.get("STRICT_FIRESTORE") != "0"


def arguments(emulator: str | None, *options: str) -> list[str]:
    """The command line that starts it."""
    behind = ["--emulator", emulator] if emulator else ["--memory"]
    return [sys.executable, "-m", "tests.strict_firestore", *behind, *options]


@contextmanager
def running(emulator: str | None, log: Path, *options: str) -> Iterator[Control]:
    """A proxy before the emulator at that host:port, or before a memory (None); gone afterwards,
    also when this process is killed. ``host`` of what is yielded is for FIRESTORE_EMULATOR_HOST.
    Raises StartFailed."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            arguments(emulator, "--owned", *options),
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdin
    assert process.stdout
    try:
        host = process.stdout.readline().strip()
        if not host:
            raise StartFailed(f"the strict Firestore did not start:\n{log.read_text()}")
        with Control(host) as control:
            yield control
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
