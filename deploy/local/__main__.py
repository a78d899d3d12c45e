"""``make local``: the local cloud, up until Ctrl-C, SIGTERM or SIGHUP.

SIMULATOR=0 leaves the simulated POS out; INSTANCES (1) is how many instances of each function its
process stands for: it works on that many times the function's ``concurrency`` at once.
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.table import Table

from deploy.local import parent_watch
from deploy.local.paths import STACK_FILE, STATE, within_clone
from deploy.local.processes import StartFailed
from deploy.local.sdk import NotInstalled
from deploy.local.stack import Stack

LOOK_SECONDS = 0.5
STOPPED, FAILED = 0, 1

console = Console(highlight=False)


def main() -> int:
    """STOPPED when told to stop, FAILED when it cannot start or go on."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _stop)
    try:
        parent_watch.watch()
        with _only_one():
            return _run()
    except KeyboardInterrupt:
        return STOPPED
    except (AlreadyRunning, StartFailed, NotInstalled) as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return FAILED


def _run() -> int:
    console.print("Starting the local cloud …")
    with (
        Stack(
            simulator=os.environ.get("SIMULATOR") != "0",
            instances=int(os.environ.get("INSTANCES", "1")),
        ) as stack,
        _announced(stack),
    ):
        console.print(f"\nThe console: [bold]{stack.console}[/]\n")
        if stack.people:
            console.print(_people(stack))
        console.print(_table(stack))
        while not stack.failure:
            time.sleep(LOOK_SECONDS)
    console.print(stack.failure, markup=False, soft_wrap=True)
    return FAILED


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop once: what comes while it stops changes nothing."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    console.print("Stopping …")
    raise KeyboardInterrupt


class AlreadyRunning(Exception):
    """Another `make local` of this clone is up."""


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold this clone's lock, which the system frees however the process ends."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "local.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                "The local cloud of this clone is already up or starting: "
                f"{within_clone(STACK_FILE)} says where, once it is there."
            ) from None
        STACK_FILE.unlink(missing_ok=True)  # of one that was cut off with its guardian
        yield


@contextmanager
def _announced(stack: Stack) -> Iterator[None]:
    """The stack file is there, whole, as long as everything answers."""
    unfinished = STACK_FILE.with_suffix(".new")
    unfinished.write_text(json.dumps(stack.description(), indent=2) + "\n")
    unfinished.replace(STACK_FILE)
    try:
        yield
    finally:
        STACK_FILE.unlink(missing_ok=True)


def _people(stack: Stack) -> Table:
    table = Table("role", "org", "e-mail", "password", title="Who can sign in")
    for person in stack.people:
        org = person.org_id or "every org"
        table.add_row(person.role, org, person.email, person.password)
    table.caption = "An ID token for programs: make token ROLE=super_user"
    return table


def _table(stack: Stack) -> Table:
    table = Table("what", "where", title=f"Local cloud, project {stack.project}")
    table.add_row("Firestore emulator", stack.firestore)
    table.add_row("Pub/Sub emulator", stack.pubsub)
    table.add_row("Cloud Tasks", stack.tasks)
    table.add_row("simulated Alleaves", stack.simulator or "left out (SIMULATOR=0)")
    table.add_row("simulated Lightspeed", stack.lightspeed or "left out (SIMULATOR=0)")
    table.add_row("secrets (secret:NAME)", f"{within_clone(stack.secret_files)}/NAME")
    table.add_row("console", stack.console)
    table.add_row("identity service", stack.auth)
    for name, url in stack.functions.items():
        table.add_row(name, url)
    table.add_row("logs", within_clone(stack.logs))
    table.caption = "Ctrl-C stops it. Addresses for programs: .local/stack.json"
    return table


if __name__ == "__main__":
    sys.exit(main())
