"""One delivery in a process of its own: the function as it is deployed, and its fault.

Workers are forked by multiprocessing's fork server, which has loaded the functions' modules and
made no client: a worker is at work after a hundredth of a second.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from cloudevents.http import from_http
from werkzeug.exceptions import ServiceUnavailable

from deploy.local.cloudevents import Event
from shared import clock
from shared.errors import LeaseLost
from tests.campaign.exchange import exchange
from tests.campaign.process_fault import ProcessFault
from tests.campaign.scale import Scale, make_impatient

POSTPONED = 75
LEASE_LOST = 76
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
class Job:
    """One delivery. ``scale`` None: the product's own sizes; ``later``: how far its clock is
    ahead of the real one."""

    function: str
    event: Event
    environment: Mapping[str, str]
    log: Path
    later: timedelta = timedelta(0)
    scale: Scale | None = None
    process_fault: ProcessFault | None = None


def start(job: Job) -> ForkServerProcess:
    """A worker at the job. Its exit code is 0 where the message is to be acknowledged."""
    context = get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    worker = context.Process(target=work, args=(job,), daemon=True)
    worker.start()
    return worker


def work(job: Job) -> None:
    """Do the job and end this process, without the tidying up that a killed one has not either."""
    log = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = FAILED
    try:
        code = _deliver(job)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _deliver(job: Job) -> int:
    try:
        os.environ.update(job.environment)
        exchange(clock, "datetime", _ahead(job.later))
        make_impatient()
        if job.scale:
            job.scale.apply()
        if job.process_fault:
            job.process_fault.install()
        module = importlib.import_module(f"functions.{job.function}.main")
        getattr(module, job.function)(from_http(dict(job.event.headers), job.event.body))
    except ServiceUnavailable:
        return POSTPONED
    except BaseException as error:
        traceback.print_exc()
        return LEASE_LOST if isinstance(error.__cause__, LeaseLost) else FAILED
    return 0


def _ahead(by: timedelta) -> type[datetime]:
    """What ``shared.clock`` is to take for ``datetime``, so that a day can pass in no time."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + by

    return Ahead
