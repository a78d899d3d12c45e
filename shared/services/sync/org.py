"""All streams of an org: customers, then the orders matched to them; what it sells beside both.

All that a run does about an org's records: the same for a sync and for a dry run.

One org's sync, from its message to its last document.
"""

import contextvars
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import structlog

from shared.bus.messages import STREAMS, PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.runs import SHORT_RUNS, RunState
from shared.errors import ConfigurationInvalid, OrgError, RetryLater, SyncSamError
from shared.services.alerts import Alerts
from shared.services.deadline import Deadline, OutOfTime
from shared.services.sync import ending, incidents, metadata
from shared.services.sync.catalogue import Catalogue
from shared.services.sync.customers import StoredCustomers, sync_customers
from shared.services.sync.opening import acquire, acquire_after_short_runs, open_session
from shared.services.sync.orders import sync_orders
from shared.services.sync.pos_locations import OpenPos, PosLocation, clients_of, open_pos_locations
from shared.services.sync.sales_refresh import RefreshPlan
from shared.services.sync.session import Session, StreamAttempts
from shared.store import locations, runs, tenants
from shared.store.database import Database
from shared.store.lease import HeldByOtherRun
from shared.store.runs import Run
from shared.store.tenants import SyncSettings

LOOK_AGAIN_SECONDS = 15.0
"""How often a run that takes long sees whether a discount has begun or ended meanwhile."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrgStreams:
    """The streams of one invocation. A stream that fails is noted on the run; the others go on."""

    session: Session
    shelves: Sequence[PosLocation]
    settings: SyncSettings
    today: date
    wanted: Collection[str]
    allow_deletions: bool

    def sync(self) -> datetime | None:
        """Sync every wanted stream that the run has not done yet. Returns when what is on sale
        next changes by itself, as far as this run knows.

        Raises OutOfTime when a stream has more to do than there is time for, and whatever was
        not foreseen, after the streams beside it have ended.
        """
        attempt = StreamAttempts(self.session, self.wanted)
        sold = Catalogue(
            self.session,
            self.shelves,
            self.settings,
            attempt,
            allow_deletions=self.allow_deletions,
        )
        chains = (lambda: self._people(attempt), sold.sync)
        with ThreadPoolExecutor(len(chains), thread_name_prefix="stream") as pool:
            jobs = [pool.submit(contextvars.copy_context().run, chain) for chain in chains]
            while wait(jobs, timeout=LOOK_AGAIN_SECONDS).not_done:
                sold.keep_sales_right()
        for job in jobs:
            job.result()
        return sold.next_change

    def _people(self, attempt: StreamAttempts) -> None:
        session, clients = self.session, clients_of(self.shelves)
        listed = attempt("customers", lambda: sync_customers(session, clients))
        if session.run.failed("customers"):
            log.warning("orders_wait_for_customers")
            return
        directory = StoredCustomers(session, listed)
        attempt(
            "orders",
            lambda: sync_orders(session, clients, directory, self.settings, today=self.today),
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What was worked on. ``sales_change_at`` is when what is on sale next changes by itself, as
    far as the run knows."""

    wanted: Sequence[str] = STREAMS
    provider: str | None = None
    sales_change_at: datetime | None = None


def sync_records(message: PosSync, session: Session, open_pos: OpenPos) -> Done:
    """Sync every stream that the message wants and the run has not done yet.

    What the org must act on is noted on the run. Raises OutOfTime when there is more to do than
    there is time for, and whatever was not foreseen.
    """
    done = Done()
    try:
        settings = tenants.read(session.database, message.org_id)
        active = locations.active_of(session.database, message.org_id)
        if not active:
            raise ConfigurationInvalid(f"org {message.org_id} has no active POS location")
        done = Done(_wanted(message, session), active[0].pos_config.provider)
        change_at = OrgStreams(
            session=session,
            shelves=open_pos_locations(active, open_pos),
            settings=settings.sync,
            today=session.now().astimezone(active[0].zone).date(),
            wanted=done.wanted,
            allow_deletions=message.allow_deletions,
        ).sync()
    except OrgError as error:
        session.run.errors.append(ending.run_error(error))
        return done
    return Done(done.wanted, done.provider, change_at)


def _wanted(message: PosSync, session: Session) -> list[str]:
    """The streams to sync. Orders bring the customers along that they cannot do without."""
    asked = set(message.streams or STREAMS)
    if "orders" in asked and session.progress.customers_complete_at is None:
        asked.add("customers")
    if message.streams is None and not message.full and not metadata.is_due(session):
        asked.discard(metadata.STREAM)
    return [stream for stream in STREAMS if stream in asked]


SHORT_RUN_SECONDS = 10.0
"""How long a run waits for one that is over in a moment."""


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
        if incidents.is_resting(database, message, self.clock()):
            log.info("org_paused")
            self._decline(database, message, run, incidents.SyncPaused("the org's sync is paused"))
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
        incidents.count_rejection(session, done.wanted)
        incidents.notify(session, replace(self.alerts, database=session.database))
        session.end(wanted=done.wanted, provider=done.provider)
        log.info("run_ended", state=session.run.state, **session.run.cost.model_dump())
