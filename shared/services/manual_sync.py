"""Runs on demand, requested by a person, or by a program for all orgs or one."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import ceil

import structlog

from shared.batches import batched
from shared.bus.later import LaterPublisher
from shared.bus.messages import PosSync, StreamName, Trigger
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.ids import is_document_id
from shared.domain.runs import SHORT_RUNS, RunState
from shared.domain.spread import spread
from shared.errors import (
    InvalidMessage,
    NotFound,
    RateLimited,
    RetryLater,
    SyncSamError,
    UnderWay,
)
from shared.services.admin.audit import Actor, record_action
from shared.services.reads.run_history import RunHistory
from shared.services.runs.failure import failed
from shared.services.sync.pos_locations import active_locations
from shared.store import lease as leases
from shared.store import locations, paths, runs
from shared.store.audit import Action
from shared.store.database import WRITES_PER_COMMIT, Conflict, Database
from shared.store.runs import Run

RUNS_PER_HOUR = 6
QUEUED_FOR = timedelta(minutes=10)
"""A run that has not begun within this time is not under way: its message is lost."""
ATTEMPTS = 5
AT_ONCE = 100
"""So many orgs are synced at once. More would fill the instances of ``org_sync``: they are spread
over SPREAD_SECONDS, as those of the schedule's ticks are."""
SPREAD_SECONDS = 1_500

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
    approved_removals: tuple[str, ...] = ()
    dry_run: bool = False
    streams: tuple[StreamName, ...] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person has decided that a run carries out, as it stands in the audit log."""

    action: Action
    target: str


@dataclass(frozen=True, slots=True)
class ManualSync:
    """Starts runs and reads them. A run's document is written before its message is sent."""

    database: Database
    pos_sync: Publisher
    later: LaterPublisher
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def start(
        self,
        request: SyncRequest,
        actor: Actor | None = None,
        *,
        decision: Decision | None = None,
    ) -> str:
        """Start a run, return its id; it is noted in the audit log, in the commit that queues it,
        that ``actor`` (else who is named in the request) did, or with it made a ``decision``.
        Raises RunUnderWay (of many requests at once for all but one) and RateLimited beyond
        RUNS_PER_HOUR.

        A dry run is in nobody's way, and has a report but no document (services/sync/dry_run.py).
        """
        by = actor or Actor(request.requested_by)
        for _ in range(ATTEMPTS):
            before = runs.read_manual(self.database, request.org_id)
            if not request.dry_run and (running := self._under_way(request.org_id, before.run_id)):
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
            last = before.run_id if request.dry_run else run_id
            asked = runs.add_manual(request.org_id, before, run_id=last, asked_at=[*recent, now])
            queued = [] if request.dry_run else [runs.put(request.org_id, run_id, run)]
            try:
                record_action(
                    self.database,
                    by,
                    decision.action if decision else _started(request),
                    org_id=request.org_id,
                    target=decision.target if decision else run_id,
                    now=now,
                    writes=[asked, *queued],
                )
            except Conflict:
                continue
            message = PosSync(run_id=run_id, trigger="manual", **asdict(request))
            if request.dry_run:
                self.pos_sync.publish([message])
            else:
                self._publish([message], run)
            log.info(
                "run_queued",
                org_id=request.org_id,
                run_id=run_id,
                full=request.full,
                dry_run=request.dry_run,
            )
            return run_id
        raise RetryLater(f"too many ask for a run of {request.org_id} at once")

    def start_all(self) -> dict[str, str]:
        """Start a run of every org with an active POS location; run id by org. The run of an org
        that is paused, or being synced already, ends at once."""
        orgs = [org for org in locations.active_orgs(self.database) if is_document_id(org)]
        started = {org: f"cron-{uuid.uuid4().hex}" for org in orgs}
        seconds = SPREAD_SECONDS if len(orgs) > AT_ONCE else 0
        slices = spread(orgs, seconds) if seconds else [(0.0, orgs)]
        began = self.clock()
        for offset, of_slice in slices:
            at = began + timedelta(seconds=offset) if seconds else None
            for some in batched(of_slice, WRITES_PER_COMMIT):
                messages = [
                    PosSync(org_id=org, run_id=started[org], trigger="cron", if_active=True)
                    for org in some
                ]
                self._queue(messages, "cron", at)
        log.info("runs_queued", orgs=len(orgs), spread_seconds=seconds)
        return started

    def start_one(self, org_id: str) -> str:
        """Start the run of one org, paused or not, that a program asks for; return its id. That of
        an org that is being synced already ends at once. Raises NotFound for an unknown org,
        ConfigurationInvalid where nothing of it can be synced."""
        try:
            locations.require_known(self.database, org_id)
        except InvalidMessage as error:
            raise NotFound(str(error)) from None
        active_locations(self.database, org_id)
        run_id = f"cron-{uuid.uuid4().hex}"
        self._queue([PosSync(org_id=org_id, run_id=run_id, trigger="manual")], "manual")
        log.info("run_queued", org_id=org_id, run_id=run_id, full=False)
        return run_id

    def read(self, org_id: str, run_id: str) -> Run:
        """The run. Raises NotFound."""
        return RunHistory(self.database).run(org_id, run_id)

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

    def wait_all(self, started: Mapping[str, str], seconds: float) -> dict[str, Run] | None:
        """The runs of these ids by org, once all have ended; None where one has not after so many
        seconds."""
        end = self.monotonic() + seconds
        ended: dict[str, Run] = {}
        for org_id, run_id in started.items():
            run = self.wait(org_id, run_id, end - self.monotonic())
            if not run.state.ended:
                return None
            ended[org_id] = run
        return ended

    def _under_way(self, org_id: str, asked: str | None) -> str | None:
        """The run that is queued for the org, or has its lease. Read in this order: a run that
        begins in between has the lease."""
        run = runs.read(self.database, org_id, asked) if asked else None
        queued = run is not None and run.state is RunState.QUEUED
        if run is not None and queued and self.clock() < run.started_at + QUEUED_FOR:
            return asked
        running = leases.running(self.database, paths.lease(org_id))
        return None if running is None or running.startswith(SHORT_RUNS) else running

    def _queue(
        self, messages: Sequence[PosSync], trigger: Trigger, at: datetime | None = None
    ) -> None:
        """Write the runs' documents, and publish their messages, at once or at a time."""
        run = Run(state=RunState.QUEUED, trigger=trigger, started_at=self.clock())
        self.database.commit([runs.put(each.org_id, each.run_id, run) for each in messages])
        self._publish(messages, run, at)

    def _publish(self, messages: Sequence[PosSync], run: Run, at: datetime | None = None) -> None:
        """Publish the messages; if that fails, end their runs as failed."""
        try:
            if at is None:
                self.pos_sync.publish(messages)
            else:
                self.later.publish_all(messages, at=at, once=f"all/{messages[0].run_id}")
        except Exception:
            error, now = RunNotSent("the run could not be queued: ask again"), self.clock()
            self.database.commit([failed(m.org_id, m.run_id, run, error, now) for m in messages])
            raise


def _started(request: SyncRequest) -> Action:
    return "dry_run_started" if request.dry_run else "sync_started"


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
