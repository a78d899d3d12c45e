"""Child processes: started in sessions of their own, logged, stopped for certain."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local.paths import ROOT

POLL_SECONDS = 0.05
STOP_SECONDS = 3.0
TAIL_LINES = 25


class StartFailed(Exception):
    """A process did not come up, or the stack cannot run. The message is for people."""


class Process:
    """One child and its descendants. All methods may be called from any thread."""

    def __init__(
        self, name: str, argv: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path = ROOT
    ) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._env = dict(env)
        self._cwd = cwd
        self._popen: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        log.write_bytes(b"")

    @property
    def pid(self) -> int | None:
        """Of the running process, else None."""
        with self._lock:
            return self._popen.pid if self._popen and self._popen.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """Of the last process, None while it runs. Negative: the signal that ended it."""
        with self._lock:
            return self._popen.poll() if self._popen else None

    def start(self) -> None:
        """Start it unless it runs. The log is continued."""
        with self._lock:
            if self.pid is not None:
                return
            with self.log.open("ab") as log:
                # A session of its own keeps a Ctrl-C at the terminal from reaching the child
                # before the stack has stopped what depends on it.
                self._popen = subprocess.Popen(
                    self._argv,
                    cwd=self._cwd,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def stop(self) -> None:
        """Ask it to end, and after STOP_SECONDS end it."""
        with self._lock:
            if self._popen is None:
                return
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(STOP_SECONDS)
            self.kill()

    def kill(self) -> None:
        """End it and its descendants at once."""
        with self._lock:
            if self._popen is not None:
                self._signal(signal.SIGKILL)
                self._popen.wait()

    def restart(self) -> None:
        """Stop and start, with nobody else's start in between."""
        with self._lock:
            self.stop()
            self.start()

    def revive(self) -> None:
        """Start it again if it has ended."""
        with self._lock:
            if self.exit_code is not None:
                self.kill()
                self.start()

    def _signal(self, number: int) -> None:
        # The group outlives its leader as long as a descendant does, so this finds those too.
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)

    def exit_report(self) -> str:
        """How it ended: exit code and the last lines of its log."""
        return f"{self.name} ended with code {self.exit_code} ({self.log}):\n{self.tail()}"

    def tail(self) -> str:
        """The end of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for ``ready``. Raises StartFailed with the end of the log when the process ends
        first or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                raise StartFailed(self.exit_report())
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.name} is not up after {seconds:g} s ({self.log}):\n{self.tail()}"
                )
            time.sleep(POLL_SECONDS)
