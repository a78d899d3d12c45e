"""Instances of the functions as they are deployed: processes that handle one delivery after
another, each with its fault.

They are forked by multiprocessing's fork server, which has loaded the functions' modules and made
no client: an instance is at work after a hundredth of a second.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from cloudevents.http import from_http
from werkzeug.exceptions import ServiceUnavailable

from deploy.local.cloudevents import Event
from shared import clock
from shared.errors import LeaseLost
from tests.campaign.exchange import exchange
from tests.campaign.firestore_weather import is_to_blame
from tests.campaign.process_fault import CommitHook, ProcessFault
from tests.campaign.scale import Scale, make_impatient

POSTPONED = 75
LEASE_LOST = 76
FIRESTORE_FAILED = 77
FAILED = 70

PRELOADED = (
    "functions_framework",
    "shared.bootstrap.cron_fanout",
    "shared.bootstrap.dead_letter",
    "shared.bootstrap.org_sync",
    "shared.bootstrap.spending",
    "tests.campaign.worker",
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What an instance of a function has for as long as it lives. ``scale`` None: the product's
    own sizes."""

    function: str
    environment: Mapping[str, str]
    log: Path
    scale: Scale | None


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery. ``later``: how far the clock is ahead of the real one."""

    event: Event
    later: timedelta
    process_fault: ProcessFault | None


class Worker:
    """An instance, seen from outside."""

    def __init__(self, setup: Setup) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        self.setup = setup
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(setup, theirs), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def begin(self, job: Job) -> None:
        """Hand a job over. ``connection`` has something to read when it is over."""
        self.connection.send(job)

    def result(self) -> int | None:
        """What came of the job: 0 where the message is to be acknowledged, None where the process
        died."""
        # Not the exit code: two threads that start processes may take it from each other.
        try:
            code: int = self.connection.recv()
        except (EOFError, OSError):
            return None
        return code

    def end(self) -> None:
        """Kill the process, at work or not."""
        self.connection.close()
        self._process.kill()
        self._process.join()


def serve(setup: Setup, jobs: Connection) -> None:
    """Do job after job. This process ends without the tidying up that a killed one has not
    either."""
    log = os.open(setup.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(setup.environment)
    make_impatient()
    if setup.scale:
        setup.scale.apply()
    commits = CommitHook()
    try:
        while True:
            job = jobs.recv()
            commits.arm(job.process_fault)
            code = _deliver(setup.function, job)
            sys.stdout.flush()
            sys.stderr.flush()
            jobs.send(code)
    finally:
        os._exit(FAILED)


def _deliver(function: str, job: Job) -> int:
    try:
        exchange(clock, "datetime", _ahead(job.later))
        module = importlib.import_module(f"functions.{function}.main")
        getattr(module, function)(from_http(dict(job.event.headers), job.event.body))
    except ServiceUnavailable:
        return POSTPONED
    except BaseException as error:
        traceback.print_exc()
        if isinstance(error.__cause__, LeaseLost):
            return LEASE_LOST
        return FIRESTORE_FAILED if is_to_blame(error) else FAILED
    return 0


def _ahead(by: timedelta) -> type[datetime]:
    """What ``shared.clock`` is to take for ``datetime``, so that a day can pass in no time."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + by

    return Ahead
