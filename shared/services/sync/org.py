"""One org's sync, from its command to its last document.

open the run      the org's lease; a paused org or one that is being synced is left alone
sync the streams  customers, then the orders matched to them; beside both what the org sells;
                  of one provider after the other: one that fails leaves the others going
end the run       pause or resume, incidents, the status that people look at
                  or hand the rest over to a continuation when the time is up
"""

import contextvars
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from shared.bus.messages import STREAMS
from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.removal import AllowedRemovals
from shared.domain.runs import FAILING_FROM, SHORT_RUNS, RunState
from shared.errors import OrgError, ProviderError, RetryLater, SyncSamError
from shared.services.admin.audit import Actor
from shared.services.alerts import Alerts
from shared.services.erasure.customer import EraseCustomer
from shared.services.erasure.holding import ErasureWaits
from shared.services.runs import lifecycle
from shared.services.runs.failure import (
    AlreadyRunning,
    error_fields,
    failed,
    keeps_failing,
    tell_unopened,
)
from shared.services.runs.lifecycle import ActiveRun
from shared.services.sync import metadata
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.attempts import StreamAttempts
from shared.services.sync.catalogue import Catalogue
from shared.services.sync.commands import SyncOrg
from shared.services.sync.customers import StoredCustomers, sync_customers
from shared.services.sync.gone import RemovalRules
from shared.services.sync.news import tell_news
from shared.services.sync.order_listings import OrderListings
from shared.services.sync.orders import sync_orders
from shared.services.sync.pos_locations import (
    ConfiguredOrg,
    OpenOrg,
    OpenPos,
    open_org,
    read_org,
)
from shared.services.sync.run_end import (
    FAILING,
    SyncPaused,
    end_provider,
    end_run,
    is_resting,
    note_rest,
    rests,
    set_last_state,
)
from shared.services.sync.sales_refresh import SalesRefreshPlan
from shared.services.sync.session import Session, settle_others
from shared.services.sync.versions import lists_changes, sync_changed_people
from shared.store import runs, status
from shared.store.database import Database
from shared.store.lease import HeldByOtherRun
from shared.store.manifest import unsettled_provider
from shared.store.runs import Run
from shared.store.status import SyncProgress

LOOK_AGAIN_SECONDS = 15.0
"""How often a long run checks whether a discount has begun or ended meanwhile."""
ERASED_AT_ONCE = 5
SHORT_RUN_SECONDS = 10.0
"""How long a run waits for one that takes a few seconds."""

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
    refreshes: SalesRefreshPlan
    clock: Clock
    seconds: float
    lease_ttl: timedelta

    def __call__(self, command: SyncOrg) -> None:
        """Sync the org, or go on with the run that the command belongs to.

        Does nothing when the run has ended, another run of the org is under way, or the org is
        paused and no person asked. Raises RetryLater while another copy of the command is at
        work, and whatever was not foreseen: its message is then to be delivered again, and the
        org's status tells why (services/runs/failure.py).
        """
        deadline = Deadline(self.seconds)
        database = self.database.metered()
        try:
            opened = self._open(database, command)
        except Exception as error:
            run = new_run(command, self.clock())
            tell_unopened(database, command.org_id, command.run_id, run, error, self.clock())
            raise
        if opened is None:
            return
        with opened:
            if opened.run.tries >= FAILING_FROM:
                self._report_failing(opened)
            to_erase = self._work(command, opened, deadline)
        self._erase(command, to_erase, deadline)

    def _open(self, database: Database, command: SyncOrg) -> ActiveRun[Run] | None:
        """The command's run; None where it is not to be."""
        org_id, run_id = command.org_id, command.run_id
        run = runs.read(database, org_id, run_id) or new_run(command, self.clock())
        if run.state.ended:
            log.info("run_has_ended", state=run.state)
            return None
        if is_resting(database, org_id, command.trigger, self.clock()):
            log.info("org_paused")
            self._decline(database, command, run, SyncPaused("the org's sync is paused"))
            return None
        opened = lifecycle.open_run(
            lifecycle.SYNC,
            database,
            org_id,
            run_id,
            run,
            clock=self.clock,
            lease_ttl=self.lease_ttl,
            patience_seconds=SHORT_RUN_SECONDS,
        )
        if isinstance(opened, HeldByOtherRun):
            log.info("org_already_syncing", running=opened.run_id)
            if opened.run_id.startswith(SHORT_RUNS):
                raise RetryLater("a run of a few seconds has the org")
            error = AlreadyRunning(f"run {opened.run_id} of the org was under way")
            self._decline(database, command, run, error)
            return None
        return opened

    def _report_failing(self, run: ActiveRun[Run]) -> None:
        """Tell people of a run whose last tries all failed. Before the next one, which may kill
        this worker as it killed those before."""
        times, cause = run.run.tries - 1, run.run.error
        stated = error_fields(keeps_failing(times, cause))
        now = self.clock()
        run.commit([status.put_error(run.database, run.org_id, run.run_id, now, stated)])
        log.error("run_keeps_failing", tries=times)
        self.alerts.raise_(
            run.org_id,
            FAILING,
            "A sync keeps failing",
            f"Run {run.run_id} failed {times} times in a row."
            f" {cause.message if cause else 'Its worker stopped without notice.'} It is tried"
            " again for some hours: see the log of the function org_sync.",
        )

    def _decline(self, database: Database, command: SyncOrg, run: Run, error: SyncSamError) -> None:
        """End a run that is not to be, where its document says that it was asked for."""
        if run.state is RunState.QUEUED:
            org_id, run_id = command.org_id, command.run_id
            database.commit([failed(org_id, run_id, run, error, self.clock())])

    def _work(self, command: SyncOrg, opened: ActiveRun[Run], deadline: Deadline) -> set[str]:
        """One session for each provider that the run is not done with; the customers who are to be
        erased once it has ended."""
        run, database = opened.run, opened.database
        org = read_org(database, command.org_id)
        todo = providers_left(command, org, run, opened.unsettled)
        settle_others(opened, todo[0])
        alerts = replace(self.alerts, database=database)
        standing: dict[str, SyncProgress] = {}
        for number, provider in enumerate(todo, 1):
            with Session(
                opened,
                provider=provider,
                spending=self.spending,
                clock=self.clock,
                deadline=deadline,
            ) as session:
                try:
                    if number > 1:
                        deadline.check()
                    self._sync(command, org, session)
                except OutOfTime:
                    run.error = None  # of a delivery before this one, which got further
                    session.hand_over()
                    self.continuation.publish([command.continuation()])
                    log.info("run_continues", invocations=run.invocations)
                    return set()
                if command.if_active and not org.is_active:
                    # Deactivated while the message was on its way: no fault to be shown.
                    log.info("org_is_not_active")
                    set_last_state(run, now=self.clock())
                    session.end()
                    return set()
                tell_news(session, alerts)
                standing[provider] = session.progress
                if number < len(todo):
                    end_provider(session, alerts, todo[number])
                else:
                    for other in {*org.providers} - standing.keys():
                        standing[other] = status.read_progress(database, command.org_id, other)
                    end_run(session, alerts, standing, org)
        log.info("run_ended", state=run.state, **run.spent())
        return {each for known in standing.values() for each in known.customers_to_erase}

    def _erase(self, command: SyncOrg, customer_ids: set[str], deadline: Deadline) -> None:
        """Erase customers whom the POS has deleted, ERASED_AT_ONCE at the most: each costs a look
        at every order. The person's other records stay. Those who are left stand in the progress,
        for the next run."""
        service = EraseCustomer(
            self.database,
            self.clock,
            seconds=self.seconds / ERASED_AT_ONCE,
            lease_ttl=self.lease_ttl,
            patience_seconds=0,
        )
        actor = Actor("org_sync", command.run_id)
        for customer_id in sorted(customer_ids)[:ERASED_AT_ONCE]:
            if deadline.passed:
                return
            try:
                service(command.org_id, customer_id, actor, alone=True)
            except (ErasureWaits, RetryLater) as error:
                log.info("erasure_left_to_the_next_run", code=error.code)
                return

    def _sync(self, command: SyncOrg, org: ConfiguredOrg, session: Session) -> None:
        """Sync the provider of the session, unless it refuses the credentials and others do not:
        of an org that is paused no run begins."""
        if len(org.providers) > 1 and rests(session.progress, session.run.trigger, self.clock()):
            log.info("provider_paused", pos_provider=session.provider)
            note_rest(session)
            return
        change_at = sync_records(command, org, session, self.open_pos)
        if change_at and change_at != session.progress.sales_change_at:
            planned = self.refreshes.at_change(command.org_id, session.provider, change_at)
            session.progress.sales_change_at = change_at if planned else None


def providers_left(
    command: SyncOrg, org: ConfiguredOrg, run: Run, unsettled: bytes = b""
) -> list[str]:
    """The providers that the run is to go through, at least one: first that at which an invocation
    before was at work, then that whose records a worker has left ``unsettled``."""
    first = (run.provider, unsettled_provider(unsettled))
    wanted = [command.provider] if command.provider else org.providers
    ordered = sorted(wanted, key=lambda name: name not in first)
    return [name for name in ordered if name not in run.earlier] or ordered[-1:]


def new_run(command: SyncOrg, now: datetime) -> Run:
    """The run of a command that has no document yet."""
    return Run(
        state=RunState.RUNNING,
        trigger=command.trigger,
        started_at=now,
        requested_by=command.requested_by,
    )


def sync_records(
    command: SyncOrg, org: ConfiguredOrg, session: Session, open_pos: OpenPos
) -> datetime | None:
    """Sync every stream of the session's provider that is wanted and that the run has not done yet:
    the same for a sync and for a dry run. Returns as ``sync_streams``.

    Errors that the org must act on are noted on the run. Raises OutOfTime when there is more to
    do than there is time for, and whatever was not foreseen.
    """
    if command.full and not session.run.reset:
        session.distrust_what_is_stored(command.stream_names)
    try:
        opened = open_org(session, org, open_pos)
        return sync_streams(
            session, opened, _wanted(command, session), allowed=command.allowed_removals
        )
    except (OrgError, ProviderError) as error:
        session.fail(error)
    return None


def sync_streams(
    session: Session, org: OpenOrg, wanted: Collection[str], *, allowed: AllowedRemovals
) -> datetime | None:
    """Sync the wanted streams. One that fails is noted on the run; the others go on. Returns when
    sale fields next change by time, as far as this run knows.

    Raises OutOfTime when a stream has more to do than there is time for, and whatever was not
    foreseen, after the streams beside it have ended.
    """
    attempt = StreamAttempts(session, wanted)
    catalogue = Catalogue(session, org, attempt, allowed=allowed)
    settings = org.settings
    removal = RemovalRules(settings.max_delete_percent, allowed, settings.deleted_customers)

    def sync_people() -> None:
        check = AccountCheck(session, org.accounts)
        clients = org.clients
        if lists_changes(clients):
            sync_changed_people(session, org, attempt, check, removal)
            return
        with OrderListings(session, clients, org.settings, today=org.today) as orders:
            if attempt.is_due("orders"):
                orders.begin()
            listed = attempt("customers", lambda: sync_customers(session, clients, check, removal))
            if session.run.failed("customers"):
                log.warning("orders_wait_for_customers")
                return
            directory = StoredCustomers(session, listed)
            attempt(
                "orders",
                lambda: sync_orders(session, orders, directory, check, removal, org.notify),
            )

    chains = (sync_people, catalogue.sync)
    with ThreadPoolExecutor(len(chains), thread_name_prefix="stream") as pool:
        jobs = [pool.submit(contextvars.copy_context().run, chain) for chain in chains]
        while wait(jobs, timeout=LOOK_AGAIN_SECONDS).not_done:
            catalogue.keep_sales_right()
    for job in jobs:
        job.result()
    return catalogue.next_change


def _wanted(command: SyncOrg, session: Session) -> list[str]:
    """The streams to sync. Orders need a complete list of customers once; metadata are due once a
    day unless they are asked for."""
    asked = set(command.stream_names)
    if "orders" in asked and session.progress.customers_complete_at is None:
        asked.add("customers")
    if command.streams is None and not command.full and not metadata.is_due(session):
        asked.discard(metadata.STREAM)
    return [stream for stream in STREAMS if stream in asked]
