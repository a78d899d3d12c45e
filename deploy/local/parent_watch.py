"""Notices when the `make` that started this process is stopped.

make hands a SIGTERM on to its recipe, but not a SIGINT or SIGHUP that only make itself got (it
takes for granted that the terminal sent it to all) and, of course, no SIGKILL. It then
waits for the recipe for ever, or leaves it behind. What gives it away: it no longer catches the
signal (seen in /proc), or it is no longer the parent.
"""

import os
import signal
import threading
import time
from pathlib import Path

NOT_HANDED_ON = (signal.SIGINT, signal.SIGHUP)
LOOK_SECONDS = 0.3


def watch() -> None:
    """Have this process get a SIGTERM once its make stops. Started otherwise: nothing."""
    if "MAKELEVEL" in os.environ:
        threading.Thread(target=_watch, name="parent-watch", daemon=True).start()


def _watch() -> None:
    make = os.getppid()
    caught = _caught(make)
    while os.getppid() == make and _caught(make) >= caught:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _caught(pid: int) -> set[signal.Signals]:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return set()
    line = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    mask = int(line.split()[1], 16)
    return {number for number in NOT_HANDED_ON if mask & 1 << (number - 1)}
