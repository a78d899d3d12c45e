"""Runs the programs that deploy: one way, each with a time limit."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUERY_SECONDS = 120.0


class ReleaseFailed(Exception):
    """A deployment cannot begin or go on. The message says what to do, for people."""


class CommandFailed(ReleaseFailed):
    """A program ended with an error; ``stderr`` is what it said, where that was kept."""

    def __init__(self, message: str, stderr: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments. ``seconds``: how long it may take. ``shown``: what it prints
    goes to the terminal as it comes, else it is the result. ``accepted``: exit codes that are no
    failure. ``given`` is what it reads; it never appears in a message."""

    argv: tuple[str, ...]
    seconds: float = QUERY_SECONDS
    shown: bool = False
    accepted: tuple[int, ...] = (0,)
    given: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    code: int
    output: str


class Shell:
    """The one place that starts programs."""

    def missing(self, programs: Sequence[str]) -> list[str]:
        """Those that this machine does not have."""
        return [program for program in programs if shutil.which(program) is None]

    def run(self, command: Command) -> Result:
        """Run a command to its end, at the top of the clone. Raises CommandFailed for an exit code
        that is not accepted, and when the time is up."""
        line = " ".join(command.argv)
        captured = None if command.shown else subprocess.PIPE
        try:
            ended = subprocess.run(
                command.argv,
                cwd=ROOT,
                env={**os.environ, **command.env},
                input=command.given,
                stdout=captured,
                stderr=captured,
                text=True,
                timeout=command.seconds,
                check=False,
            )
        except FileNotFoundError:
            raise CommandFailed(f"{command.argv[0]} is not installed.") from None
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"Not done after {command.seconds:g} s: {line}") from None
        if ended.returncode not in command.accepted:
            said = (ended.stderr or "").strip()
            raise CommandFailed(
                f"Exit code {ended.returncode}: {line}" + (f"\n{said}" if said else ""), said
            )
        return Result(ended.returncode, ended.stdout or "")

    def ask(self, command: Command) -> str:
        """The output of a command, without white space around it."""
        return self.run(command).output.strip()
