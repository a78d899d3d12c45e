"""The simulated POS's process."""

import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.processes import Process
from deploy.local.supervisor import Supervisor

READY_SECONDS = 60.0


def start(supervisor: Supervisor, arguments: Sequence[str]) -> str:
    """Start it with these arguments of its command line, wait for it, and give its URL."""
    port_file = supervisor.scratch / "simulator.port"
    process = supervisor.start(_process(supervisor, port_file, arguments))
    process.wait_until(port_file.is_file, READY_SECONDS)
    return f"http://127.0.0.1:{port_file.read_text().strip()}"


def _process(supervisor: Supervisor, port_file: Path, arguments: Sequence[str]) -> Process:
    where = ("--port", "0", "--port-file", str(port_file))
    argv = (sys.executable, "-m", "deploy.local.simulator", *where, *arguments)
    return Process("simulator", argv, supervisor.env, supervisor.logs / "simulator.log")
