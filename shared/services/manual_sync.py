"""Runs on demand, requested by a person, or for all orgs at once by a program."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import ceil

import structlog

from shared.batches import batched
from shared.bus.messages import PosSync, StreamName
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.runs import SHORT_RUNS, RunState
from shared.errors import NotFound, RateLimited, RetryLater, SyncSamError, UnderWay
from shared.services.runs.failure import failed
from shared.store import lease as leases
from shared.store import locations, paths, runs
from shared.store.database import WRITES_PER_COMMIT, Conflict, Database
from shared.store.runs import Run

RUNS_PER_HOUR = 6
QUEUED_FOR = timedelta(minutes=10)
"""A run that has not begun within this time is not under way: its message is lost."""
ATTEMPTS = 5

log = structlog.get_logger(__name__)


class RunUnderWay(UnderWay):
    """The org is being synced already."""

    code = "run_under_way"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"a run of this org is under way: {run_id}")
        self.run_id = run_id


class RunNotSent(SyncSamError):
    """A run's message could not be published."""

    code = "run_not_sent"


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """A run that a person requests. Fields as those of PosSync."""

    org_id: str
    requested_by: str
    full: bool = False
    allow_deletions: bool = False
    streams: tuple[StreamName, ...] | None = None


@dataclass(frozen=True, slots=True)
class ManualSync:
    """Starts runs and reads them. A run's document is written before its message is sent."""

    database: Database
    pos_sync: Publisher
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def start(self, request: SyncRequest) -> str:
        """Start a run, return its id. Raises RunUnderWay (of many requests at once for all but one)
        and RateLimited beyond RUNS_PER_HOUR."""
        for _ in range(ATTEMPTS):
            before = runs.read_manual(self.database, request.org_id)
            if (running := self._under_way(request.org_id, before.run_id)) is not None:
                raise RunUnderWay(running)
            now = self.clock()
            recent = _recent(before.asked_at, now)
            run_id = f"manual-{uuid.uuid4().hex}"
            run = Run(
                state=RunState.QUEUED,
                trigger="manual",
                started_at=now,
                requested_by=request.requested_by,
            )
            asked = runs.add_manual(request.org_id, before, run_id=run_id, asked_at=[*recent, now])
            try:
                self.database.commit([asked, runs.put(request.org_id, run_id, run)])
            except Conflict:
                continue
            message = PosSync(run_id=run_id, trigger="manual", **asdict(request))
            self._publish([message], run)
            log.info("run_queued", org_id=request.org_id, run_id=run_id, full=request.full)
            return run_id
        raise RetryLater(f"too many ask for a run of {request.org_id} at once")

    def start_all(self, org_id: str | None) -> dict[str, str]:
        """Start a run of every org with an active POS location, or of one; run id by org. The run
        of an org that is being synced already ends at once. Raises NotFound where ``org_id`` has
        no active POS location."""
        orgs = locations.active_orgs(self.database, org_id)
        if org_id is not None and not orgs:
            raise NotFound("there is no such org with an active point of sale")
        started = {org: f"cron-{uuid.uuid4().hex}" for org in orgs}
        for some in batched(orgs, WRITES_PER_COMMIT):
            run = Run(state=RunState.QUEUED, trigger="cron", started_at=self.clock())
            self.database.commit([runs.put(org, started[org], run) for org in some])
            messages = [PosSync(org_id=o, run_id=started[o], trigger="cron") for o in some]
            self._publish(messages, run)
        log.info("runs_queued", orgs=len(orgs))
        return started

    def read(self, org_id: str, run_id: str) -> Run:
        """The run. Raises NotFound."""
        run = runs.read(self.database, org_id, run_id)
        if run is None:
            raise NotFound("there is no such run")
        return run

    def wait(self, org_id: str, run_id: str, seconds: float) -> Run:
        """The run once it has ended, at the latest after so many seconds."""
        end = self.monotonic() + seconds
        pause = 0.1
        run = self.read(org_id, run_id)
        while not run.state.ended and (left := end - self.monotonic()) > 0:
            self.sleep(min(pause, left))
            pause = min(pause * 1.5, 2.0)
            run = self.read(org_id, run_id)
        return run

    def _under_way(self, org_id: str, asked: str | None) -> str | None:
        """The run that is queued for the org, or has its lease. Read in this order: a run that
        begins in between has the lease."""
        run = runs.read(self.database, org_id, asked) if asked else None
        queued = run is not None and run.state is RunState.QUEUED
        if run is not None and queued and self.clock() < run.started_at + QUEUED_FOR:
            return asked
        running = leases.running(self.database, paths.lease(org_id))
        return None if running is None or running.startswith(SHORT_RUNS) else running

    def _publish(self, messages: Sequence[PosSync], run: Run) -> None:
        """Publish the messages; if that fails, end their runs as failed."""
        try:
            self.pos_sync.publish(messages)
        except Exception:
            error, now = RunNotSent("the run could not be queued: ask again"), self.clock()
            self.database.commit([failed(m.org_id, m.run_id, run, error, now) for m in messages])
            raise


def _recent(asked_at: Sequence[datetime], now: datetime) -> list[datetime]:
    """The requests of the last hour. Raises RateLimited where one more is too many."""
    recent = [moment for moment in asked_at if moment > now - timedelta(hours=1)]
    if len(recent) >= RUNS_PER_HOUR:
        again = recent[-RUNS_PER_HOUR] + timedelta(hours=1) - now
        raise RateLimited(
            f"an org may be synced by hand {RUNS_PER_HOUR} times an hour",
            retry_after=ceil(again.total_seconds()),
        )
    return recent
