"""The processes of one stack: started, kept running, and gone with it however it ends."""

import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.environment import common
from deploy.local.paths import ROOT, STACK_FILE
from deploy.local.processes import Process

LOOK_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
STABLE_SECONDS = 30.0
RELEASE_SECONDS = 30.0


@dataclass(slots=True)
class _Watched:
    process: Process
    restart: bool
    pause: float = FIRST_PAUSE_SECONDS
    started: float = field(default_factory=time.monotonic)
    due: float | None = None


class Supervisor:
    """A context manager. Processes started with ``restart`` are started again when they end by
    themselves (as Cloud Run does with an instance), after a pause that grows; the end of another
    is the stack's ``failure``. A guardian process (deploy.local.guardian) ends what is left when
    this process is killed.

    ``env`` is what every process is to have in its environment, ``scratch`` a folder for files
    that go with the stack."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.failure: str | None = None
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        marker = secrets.token_hex(8)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.scratch = Path(tempfile.mkdtemp(prefix="sync-sam-"))
        self.env = common(marker, self.scratch)
        self._guardian = _guardian(marker, self.scratch, self.logs / "guardian.log")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        stops = [threading.Thread(target=each.process.stop) for each in self._watched.values()]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        self._guardian.communicate(timeout=RELEASE_SECONDS)

    @property
    def pids(self) -> dict[str, int]:
        """Of the running processes by name."""
        with self._lock:
            found = {name: each.process.pid for name, each in self._watched.items()}
        running = {name: pid for name, pid in found.items() if pid is not None}
        return {**running, "guardian": self._guardian.pid}

    def start(self, process: Process, *, restart: bool = False) -> Process:
        """Start a process; until ``watch`` is called its end is for the caller to notice."""
        process.start()
        with self._lock:
            self._watched[process.name] = _Watched(process, restart)
        return process

    def watch(self) -> None:
        """Begin to restart and to notice failures."""
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with self._lock:
                watched = list(self._watched.values())
            for each in watched:
                self._look(each)

    def _look(self, each: _Watched) -> None:
        process, now = each.process, time.monotonic()
        if process.exit_code is None:
            each.due = None
            if now - each.started > STABLE_SECONDS:
                each.pause = FIRST_PAUSE_SECONDS
        elif not each.restart:
            self.failure = self.failure or process.exit_report()
        elif each.due is None:
            each.due = now + each.pause
            each.pause = min(each.pause * 2, LONGEST_PAUSE_SECONDS)
        elif now >= each.due:
            process.revive()
            each.started, each.due = now, None


def _guardian(marker: str, scratch: Path, log: Path) -> subprocess.Popen[bytes]:
    arguments = (marker, str(os.getpid()), str(scratch), str(STACK_FILE))
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.local.guardian", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
