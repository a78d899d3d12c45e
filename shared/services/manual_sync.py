"""Runs on demand: asked for by a person, or for many orgs at once by a machine."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import structlog

from shared.bus.messages import PosSync, StreamName
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.runs import SHORT_RUNS, RunState
from shared.errors import NotFound, RateLimited, RetryLater, SyncSamError, UnderWay
from shared.services.runs.failure import failed
from shared.store import lease as leases
from shared.store import locations, paths, runs
from shared.store.database import Conflict, Database
from shared.store.runs import Run

RUNS_PER_HOUR = 6
QUEUED_FOR = timedelta(minutes=10)
"""A run that was not begun within this time is not under way: its message is lost or dead."""
ATTEMPTS = 5
ORGS_PER_COMMIT = 400

log = structlog.get_logger(__name__)


class RunUnderWay(UnderWay):
    """The org is being synced already."""

    code = "run_under_way"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"a run of this org is under way: {run_id}")
        self.run_id = run_id


class RunNotSent(SyncSamError):
    """A run's message did not get as far as Pub/Sub."""

    code = "run_not_sent"


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """A run that somebody asks for; as PosSync."""

    org_id: str
    requested_by: str
    full: bool = False
    allow_deletions: bool = False
    streams: tuple[StreamName, ...] | None = None


@dataclass(frozen=True, slots=True)
class ManualSync:
    """Starts runs and watches them. Every run has its document before its message is sent."""

    database: Database
    pos_sync: Publisher
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def start(self, wish: SyncRequest) -> str:
        """Start a run, return its id. Raises RunUnderWay, of many at once for all but one, and
        RateLimited past RUNS_PER_HOUR."""
        for _ in range(ATTEMPTS):
            before = runs.read_manual(self.database, wish.org_id)
            if (running := self._under_way(wish.org_id, before.run_id)) is not None:
                raise RunUnderWay(running)
            now = self.clock()
            lately = _lately(before.asked_at, now)
            run_id = f"manual-{uuid.uuid4().hex}"
            run = _queued("manual", now, wish.requested_by)
            asked = runs.add_manual(wish.org_id, before, run_id=run_id, asked_at=[*lately, now])
            try:
                self.database.commit([asked, runs.put(wish.org_id, run_id, run)])
            except Conflict:
                continue
            self._publish([_message(wish, run_id)], run)
            log.info("run_queued", org_id=wish.org_id, run_id=run_id, full=wish.full)
            return run_id
        raise RetryLater(f"too many ask for a run of {wish.org_id} at once")

    def start_all(self, org_id: str | None) -> dict[str, str]:
        """Start a run of every org with an active POS location, or of one; run id by org.

        A run whose org is being synced already ends at once and says so. Raises NotFound where
        ``org_id`` has no active POS location.
        """
        orgs = locations.active_orgs(self.database, org_id)
        if org_id is not None and not orgs:
            raise NotFound("there is no such org with an active point of sale")
        started = {org: f"cron-{uuid.uuid4().hex}" for org in orgs}
        for some in _chunks(orgs):
            run = _queued("cron", self.clock(), None)
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
        """The run when it has ended, or as it is after so many seconds."""
        end = self.monotonic() + seconds
        pause = 0.1
        while not (run := self.read(org_id, run_id)).state.ended:
            left = end - self.monotonic()
            if left <= 0:
                break
            self.sleep(min(pause, left))
            pause = min(pause * 1.5, 2.0)
        return run

    def _under_way(self, org_id: str, asked: str | None) -> str | None:
        """The run that is about to have the org, or has it.

        Looked at in this order: a run that begins in between is found by its lease.
        """
        run = runs.read(self.database, org_id, asked) if asked else None
        queued = run is not None and run.state is RunState.QUEUED
        if run is not None and queued and self.clock() < run.started_at + QUEUED_FOR:
            return asked
        running = leases.running(self.database, paths.lease(org_id))
        return None if running is None or running.startswith(SHORT_RUNS) else running

    def _publish(self, messages: Sequence[PosSync], run: Run) -> None:
        """Publish; where that fails, the runs are over before they began."""
        try:
            self.pos_sync.publish(messages)
        except Exception:
            error, now = RunNotSent("the run could not be queued: ask again"), self.clock()
            self.database.commit([failed(m.org_id, m.run_id, run, error, now) for m in messages])
            raise


def _lately(asked_at: Sequence[datetime], now: datetime) -> list[datetime]:
    """When runs were asked for within the hour. Raises RateLimited where one more is too many."""
    lately = [moment for moment in asked_at if moment > now - timedelta(hours=1)]
    if len(lately) >= RUNS_PER_HOUR:
        again = lately[-RUNS_PER_HOUR] + timedelta(hours=1) - now
        raise RateLimited(
            f"an org may be synced by hand {RUNS_PER_HOUR} times an hour",
            retry_after=ceil(again.total_seconds()),
        )
    return lately


def _queued(trigger: str, now: datetime, requested_by: str | None) -> Run:
    return Run(state=RunState.QUEUED, trigger=trigger, started_at=now, requested_by=requested_by)


def _message(wish: SyncRequest, run_id: str) -> PosSync:
    return PosSync(
        org_id=wish.org_id,
        run_id=run_id,
        trigger="manual",
        full=wish.full,
        allow_deletions=wish.allow_deletions,
        streams=wish.streams,
        requested_by=wish.requested_by,
    )


def _chunks(orgs: Sequence[str]) -> Sequence[Sequence[str]]:
    starts = range(0, len(orgs), ORGS_PER_COMMIT)
    return [orgs[start : start + ORGS_PER_COMMIT] for start in starts]
