"""A clone of the repository with the small test functions in the place of the real ones, and its
`make local` as a process."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deploy.local.paths import ROOT

HERE = Path(__file__).parent
WAIT_SECONDS = 60.0
GONE_SECONDS = 15.0


@dataclass(slots=True)
class Clone:
    """``processes`` and ``scratch`` are all that its local cloud consisted of when it was ready."""

    root: Path
    make: psutil.Popen
    processes: list[psutil.Process] = field(default_factory=list)
    scratch: list[Path] = field(default_factory=list)

    @property
    def stack_file(self) -> Path:
        return self.root / ".local" / "stack.json"

    @property
    def output(self) -> str:
        return (self.root / "output").read_text()

    def wait_ready(self) -> dict[str, Any]:
        """What the stack file says. Raises AssertionError when it does not come."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.stack_file.exists():
            assert self.make.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        self.processes = self.make.children(recursive=True)
        self.scratch = [
            Path(folder)
            for process in self.processes
            if (folder := process.environ().get("TMPDIR", "")).rpartition("/")[2].startswith("sync")
        ]
        described: dict[str, Any] = json.loads(self.stack_file.read_text())
        return described

    def running(self) -> list[psutil.Process]:
        """What still runs of it, after a little patience."""
        return psutil.wait_procs([self.make, *self.processes], timeout=GONE_SECONDS)[1]

    def left_behind(self) -> list[object]:
        """What there still is of it: processes, scratch folders, the stack file."""
        running = self.running()
        return [*running, *(path for path in {*self.scratch, self.stack_file} if path.exists())]

    def local_again(self) -> subprocess.CompletedProcess[str]:
        """A second `make local` in the same clone."""
        return subprocess.run(
            ["make", "local"],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=_environment(),
        )


@contextmanager
def running(root: Path) -> Iterator[Clone]:
    """`make local` in a new clone under ``root``; what is left of it in the end is killed."""
    _lay_out(root)
    with (root / "output").open("w") as output:
        make = psutil.Popen(
            # A shell has what it runs in the background ignore interrupts. Set by env, not between
            # fork and exec: a process forked beside threads of gRPC may abort there.
            ["env", "--default-signal=INT", "make", "local"],
            cwd=root,
            stdout=output,
            stderr=output,
            env=_environment() | {"SIMULATOR": "0"},
        )
    clone = Clone(root, make)
    try:
        yield clone
    finally:
        for process in clone.running():
            process.kill()


def _environment() -> dict[str, str]:
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    return {name: value for name, value in os.environ.items() if name not in outer}


def _lay_out(root: Path) -> None:
    shutil.copytree(ROOT / "deploy", root / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "functions.yaml", root / "deploy" / "functions.yaml")
    shutil.copytree(HERE / "functions", root / "functions")
    support = root / "tests" / "emulator" / "local_cloud"
    support.mkdir(parents=True)
    shutil.copy(HERE / "report.py", support)
    for name in ("Makefile", "firebase.json", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, root)
    (root / ".venv").symlink_to(ROOT / ".venv")
