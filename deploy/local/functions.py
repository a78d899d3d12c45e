"""The functions' processes: functions-framework as production runs it, one instance each."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.ports import Port
from deploy.local.processes import Process
from deploy.local.supervisor import Supervisor
from deploy.manifest import Function

FRAMEWORK = Path(sys.executable).with_name("functions-framework")
READY_SECONDS = 60.0


def start(
    supervisor: Supervisor,
    function: Function,
    source: Path,
    port: Port,
    env: Mapping[str, str],
    root: Path,
) -> Process:
    """Start one function's process in the folder ``root``; once ``wait`` is back it serves."""
    # gunicorn puts its control socket there; at its default place all functions would share one.
    runtime = supervisor.scratch / function.name
    runtime.mkdir()
    argv = (
        str(FRAMEWORK),
        *("--source", str(source)),
        *("--target", function.name),
        *("--signature-type", function.signature),
        *("--host", "127.0.0.1", "--port", str(port.number)),
    )
    environment = {**supervisor.env, "XDG_RUNTIME_DIR": str(runtime), **env}
    log = supervisor.logs / f"{function.name}.log"
    return supervisor.start(Process(function.name, argv, environment, log, root), restart=True)


def wait(process: Process, port: Port) -> None:
    """Until the function's module is loaded and its port accepts. Raises StartFailed."""
    process.wait_until(lambda: port.accepts, READY_SECONDS)
