"""One org's sync, from its message to its last document."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from shared.bus.messages import PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.runs import SHORT_RUNS, RunState
from shared.errors import RetryLater, SyncSamError
from shared.services.alerts import Alerts
from shared.services.deadline import Deadline, OutOfTime
from shared.services.sync import ending, incidents, pause
from shared.services.sync.accounts import OpenPos
from shared.services.sync.opening import acquire, acquire_after_short_runs, open_session
from shared.services.sync.refresh import RefreshPlan
from shared.services.sync.session import Session
from shared.services.sync.work import sync_records
from shared.store import runs
from shared.store.database import Database
from shared.store.lease import HeldByOtherRun
from shared.store.runs import Run

SHORT_RUN_SECONDS = 10.0
"""How long a run waits for one that is over in a moment."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrgSync:
    """Syncs orgs. ``seconds`` is how long one invocation may work before it leaves the rest of
    the run to a continuation; ``lease_ttl`` how long a silent worker keeps its org."""

    database: Database
    open_pos: OpenPos
    spending: Publisher
    continuation: Publisher
    alerts: Alerts
    refreshes: RefreshPlan
    clock: Clock
    seconds: float
    lease_ttl: timedelta

    def __call__(self, message: PosSync) -> None:
        """Sync the message's org, or go on with the run it belongs to.

        Does nothing when the run has ended, another run of the org is under way, or the org is
        paused and nobody asked. Raises RetryLater while another copy of the message is at work,
        and whatever was not foreseen: the message is then to be delivered again.
        """
        deadline = Deadline(self.seconds)
        database = self.database.metered()
        run = runs.read(database, message.org_id, message.run_id) or self._new_run(message)
        if run.state.ended:
            log.info("run_has_ended", state=run.state)
            return
        if pause.rests(database, message, self.clock()):
            log.info("org_paused")
            self._decline(database, message, run, pause.SyncPaused("the org's sync is paused"))
            return
        as_found = run.model_copy()
        if run.state is RunState.QUEUED:
            run.started_at = self.clock()
        run.state = RunState.RUNNING
        run.invocations += 1
        held = acquire_after_short_runs(
            lambda: acquire(database, message, run, clock=self.clock, ttl=self.lease_ttl),
            SHORT_RUN_SECONDS,
        )
        if isinstance(held, HeldByOtherRun):
            log.info("org_already_syncing", running=held.run_id)
            if held.run_id.startswith(SHORT_RUNS):
                raise RetryLater("a run of a few seconds has the org")
            error = ending.AlreadyRunning(f"run {held.run_id} of the org was under way")
            self._decline(database, message, as_found, error)
            return
        with open_session(
            database,
            message,
            held,
            run,
            spending=self.spending,
            clock=self.clock,
            deadline=deadline,
        ) as session:
            self._work(message, session)

    def _new_run(self, message: PosSync) -> Run:
        return Run(
            state=RunState.RUNNING,
            trigger=message.trigger,
            started_at=self.clock(),
            requested_by=message.requested_by,
        )

    def _decline(self, database: Database, message: PosSync, run: Run, error: SyncSamError) -> None:
        """Say so on a run that somebody waits for; one that nobody wrote down just is not."""
        if run.state is RunState.QUEUED:
            org_id, run_id = message.org_id, message.run_id
            database.commit([ending.failed(org_id, run_id, run, error, self.clock())])

    def _work(self, message: PosSync, session: Session) -> None:
        try:
            done = sync_records(message, session, self.open_pos)
        except OutOfTime:
            session.hand_over()
            self.continuation.publish([message.model_copy(update={"trigger": "continuation"})])
            log.info("run_continues", invocations=session.run.invocations)
            return
        change_at = done.sales_change_at
        if change_at and change_at != session.progress.sales_change_at:
            planned = self.refreshes.at_change(message.org_id, change_at)
            session.progress.sales_change_at = change_at if planned else None
        pause.judge(session, done.wanted)
        incidents.tell(session, replace(self.alerts, database=session.database))
        session.end(wanted=done.wanted, provider=done.provider)
        log.info("run_ended", state=session.run.state, **session.run.cost.model_dump())
