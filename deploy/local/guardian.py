"""Ends what a stack leaves behind, however the stack itself ended.

``python -m deploy.local.guardian MARKER OWNER_PID SCRATCH STACK_FILE`` waits until its standard
input closes, which is when its owner stops it or dies, be it by SIGKILL. Then it kills every
process whose environment carries the marker (a process passes it on to all its descendants, so
gunicorn's workers are found too), removes the scratch folder, and the stack file if it still is
the owner's. It runs in a session of its own and ignores what stops its owner.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

MARKER_VARIABLE = "SYNC_SAM_STACK"
LIMIT_SECONDS = 20.0
PAUSE_SECONDS = 0.05


def marked(marker: str) -> Iterator[psutil.Process]:
    """The living processes of the stack with this marker, the caller left out."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(MARKER_VARIABLE) == marker:
                yield process


def end_all(marker: str) -> None:
    """Kill until two looks in a row find nothing: a process may fork while one looks."""
    deadline = time.monotonic() + LIMIT_SECONDS
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        found = list(marked(marker))
        quiet = 0 if found else quiet + 1
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if quiet < 2:
            time.sleep(PAUSE_SECONDS)


def forget(stack_file: Path, owner: int) -> None:
    """Remove the stack file unless another stack has written its own there since."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        if json.loads(stack_file.read_text())["pid"] == owner:
            stack_file.unlink()


def main() -> None:
    marker, owner, scratch, stack_file = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    end_all(marker)
    shutil.rmtree(scratch, ignore_errors=True)
    forget(Path(stack_file), int(owner))


if __name__ == "__main__":
    main()
