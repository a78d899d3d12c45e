"""The simulated POS systems' process."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deploy.local.processes import Process
from deploy.local.supervisor import Supervisor

READY_SECONDS = 60.0


class Simulators(NamedTuple):
    """The URL of each simulated POS."""

    alleaves: str
    lightspeed: str


def start(supervisor: Supervisor, arguments: Sequence[str]) -> Simulators:
    """Start it with these arguments of its command line and wait for it."""
    port_file = supervisor.scratch / "simulator.port"
    process = supervisor.start(_process(supervisor, port_file, arguments))
    process.wait_until(port_file.is_file, READY_SECONDS)
    return Simulators(*(f"http://127.0.0.1:{port}" for port in port_file.read_text().split()))


def _process(supervisor: Supervisor, port_file: Path, arguments: Sequence[str]) -> Process:
    where = ("--port", "0", "--port-file", str(port_file))
    argv = (sys.executable, "-m", "deploy.local.simulator", *where, *arguments)
    return Process("simulator", argv, supervisor.env, supervisor.logs / "simulator.log")
