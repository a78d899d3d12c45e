"""What a function takes from nothing to its first answer, as deployed: the unpacked archive, its
bytecode compiled as by the build, under gunicorn."""

import compileall
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import requests
from google.pubsub_v1.types import PubsubMessage
from rich.console import Console

from deploy.local.cloudevents import Event, from_push, push_of
from deploy.local.functions import FRAMEWORK
from deploy.local.paths import STATE
from deploy.local.ports import Port
from deploy.local.stack import Stack
from deploy.manifest import Manifest
from tests.bench.processes import cpu_seconds
from tests.bench.registry import Figures
from tests.bench.tables import seconds, table
from tests.deployment import unpack_archive

TITLE = "Cold start of each function: from its process to its first answer"

ROUNDS = 5
ALLOWED_SECONDS = 1.0
TIMEOUT_SECONDS = 60.0
LOOK_SECONDS = 0.02
PLAIN = """import functions_framework


@functions_framework.http
def plain(request):
    return "ok"
"""
"""A function that does nothing: what the framework and gunicorn take by themselves."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds that passed, and those of processor time."""

    seconds: float
    cpu_seconds: float


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    rounds = 1 if quick else ROUNDS
    manifest = Manifest.read().for_local_cloud()
    with ExitStack() as opening:
        folder = Path(opening.enter_context(tempfile.TemporaryDirectory()))
        unpack_archive(folder)
        compileall.compile_dir(folder, quiet=1)
        found = {"(nothing)": [_plain() for _ in range(rounds)]}
        sources, logs = folder / "functions", STATE / "bench-logs"
        stack = opening.enter_context(
            Stack(manifest, sources=sources, root=folder, simulator=False, logs=logs)
        )
        for name in sorted(stack.functions):
            found[name] = [_start(stack, name) for _ in range(rounds)]
    rows = [
        (
            name,
            seconds(median(each.cpu_seconds for each in starts)),
            seconds(median(each.seconds for each in starts)),
            "" if name == "(nothing)" else seconds(ALLOWED_SECONDS),
        )
        for name, starts in found.items()
    ]
    columns = ("processor time", "until answered", "allowed")
    console.print(table(f"Median of {rounds}", columns, rows))
    return {
        name: {
            "cpuSeconds": round(median(each.cpu_seconds for each in starts), 3),
            "seconds": round(median(each.seconds for each in starts), 3),
        }
        for name, starts in found.items()
    }


def _start(stack: Stack, name: str) -> Start:
    """Start the function anew, and have it answer something that it must look into."""
    url = stack.functions[name]
    http = stack.manifest.functions[name].trigger == "http"
    ask = _answered if http else _sent
    began = time.monotonic()
    stack.restart(name)
    ask(url)
    return Start(time.monotonic() - began, cpu_seconds(stack.pids[name]))


def _answered(url: str) -> None:
    """A path that is none: it is looked for among the routes."""
    reply = requests.get(f"{url}/api/nothing", timeout=TIMEOUT_SECONDS)
    assert reply.json()["error"]["code"] == "not_found"


def _sent(url: str) -> None:
    """A message that is none: it is looked into, and recorded."""
    event = _no_message()
    requests.post(url, data=event.body, headers=dict(event.headers), timeout=TIMEOUT_SECONDS)


def _no_message() -> Event:
    message = PubsubMessage(
        data=b"{}", message_id=str(time.monotonic_ns()), publish_time=datetime.now(UTC)
    )
    project = "projects/demo-bench"
    push = push_of(message, f"{project}/subscriptions/bench")
    return from_push(push, f"{project}/topics/bench")


def _plain() -> Start:
    with _framework(PLAIN) as (pid, url, began):
        _until(lambda: requests.get(url, timeout=TIMEOUT_SECONDS).ok)
        return Start(time.monotonic() - began, cpu_seconds(pid))


@contextmanager
def _framework(source: str) -> Iterator[tuple[int, str, float]]:
    """A process of the framework with this source: its id, its URL, when it was started."""
    with tempfile.TemporaryDirectory() as folder, closing(Port()) as port:
        file = Path(folder) / "main.py"
        file.write_text(source)
        address = ("--host", "127.0.0.1", "--port", str(port.number))
        began = time.monotonic()
        process = subprocess.Popen(
            [str(FRAMEWORK), "--source", str(file), "--target", "plain", *address],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _until(lambda: port.accepts)
            yield process.pid, f"http://127.0.0.1:{port.number}/", began
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)


def _until(done: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + TIMEOUT_SECONDS
    while not done():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not done within {TIMEOUT_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
