"""A loyalty run of an org: mark whose points may have changed, reconcile those, alert people to
differences."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog

from shared.bus.later import LaterPublisher
from shared.bus.messages import Loyalty
from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.changes import fingerprint
from shared.domain.ids import natural_key
from shared.domain.loyalty_work import LoyaltyEntry, LoyaltyWork, Review
from shared.domain.runs import FAILING_FROM, RunState
from shared.errors import OrgError, SyncSamError
from shared.loyalty.port import OpenProvider, ProviderSettings
from shared.services.alerts import Alerts
from shared.services.loyalty.batch import BatchReconciler, LoyaltySession
from shared.services.loyalty.look_ups import (
    AT_ONCE,
    LookUps,
    LoyaltyAccount,
    account_of,
)
from shared.services.permits import OutOfPermits, Permits
from shared.services.runs import lifecycle
from shared.services.runs.failure import run_error
from shared.store import customers, loyalty, loyalty_runs, tenants
from shared.store.database import Database, joined
from shared.store.lease import HeldByOtherRun
from shared.store.loyalty_runs import LoyaltyRun

LAST_CALLS = timedelta(seconds=45)
"""How long calls that were begun in time may still take."""
ASK_AGAIN = timedelta(minutes=1)
"""After which named customers are requested again while another run has the org."""
OVERLAP = timedelta(minutes=10)
"""How long before the last run changes of spending are looked for: they may be written late, and by
a clock that is behind."""
LISTED = 20
"""Customers that an alert lists one by one."""
FAILING = "loyalty_failing"
"""The incident of an org whose loyalty runs fail, or lack Alpine IQ's answers."""
FAILED_SHARE = 0.1
"""Of the look-ups of all customers so many may fail before people are alerted."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoyaltyReconcile:
    """Reconciles orgs. ``seconds`` is how long one invocation may work before it leaves the rest
    of the run to a continuation; ``window`` how long from its start a run asks Alpine IQ;
    ``lease_ttl`` how long a silent worker keeps its org."""

    database: Database
    open_provider: OpenProvider
    alerts: Alerts
    continuation: Publisher
    later: LaterPublisher
    clock: Clock
    seconds: float
    window: timedelta
    lease_ttl: timedelta
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, message: Loyalty, delivery_id: str) -> None:
        """Do the run that the message requests, or continue it.

        Does nothing where the run has ended or another run of the org is under way; named
        customers are then requested again later. Raises RetryLater while another copy of the
        message is at work.
        """
        run_id = message.run_id or _run_id(delivery_id)
        message = message.model_copy(update={"run_id": run_id})
        deadline, until = Deadline(self.seconds), self.clock() + timedelta(seconds=self.seconds)
        database, org_id = self.database.metered(), message.org_id
        run = loyalty_runs.read(database, org_id, run_id) or LoyaltyRun(
            state=RunState.RUNNING, started_at=self.clock()
        )
        if run.state.ended:
            log.info("loyalty_run_has_ended", state=run.state)
            return
        opened = lifecycle.open_run(
            lifecycle.LOYALTY,
            database,
            org_id,
            run_id,
            run,
            clock=self.clock,
            lease_ttl=self.lease_ttl,
        )
        if isinstance(opened, HeldByOtherRun):
            log.info("loyalty_already_running", running=opened.run_id)
            if message.customer_ids is not None:
                self._publish_later(message, self.clock() + ASK_AGAIN)
            return
        with opened:
            progress = loyalty_runs.read_progress(database, org_id)
            state = loyalty_runs.load_state(database, org_id)
            self._work(
                message, LoyaltySession(opened, progress, state, self.clock, deadline, until)
            )

    def _work(self, message: Loyalty, session: LoyaltySession) -> None:
        alerts = replace(self.alerts, database=session.database)
        if session.run.tries >= FAILING_FROM:
            # Before the next try, which may kill this worker as it killed those before.
            _notify_failing(session, alerts, _keeps_failing(session))
        completed = True
        try:
            self._reconcile(message, session)
        except OutOfTime as stop:
            self._continue(message, session, stop)
            return
        except OrgError as error:
            session.run.error, completed = run_error(error), False
        _notify_differences(session, alerts)
        _notify_outcome(session, alerts, completed=completed)
        _end(session)

    def _reconcile(self, message: Loyalty, session: LoyaltySession) -> None:
        """Do what is left of the run."""
        run, progress = session.run, session.progress
        org = tenants.read_loyalty(session.database, message.org_id)
        rules = org.rules()
        account, broken = account_of(org)
        if not run.marked:
            account_id = account.user_id if account else ""
            if broken:
                account_id = progress.account
            _mark(session, message, account_id, fingerprint(asdict(rules)).hex())
            if run.counts.customers:
                session.keep([loyalty_runs.put_progress(message.org_id, progress)])
        look_ups = self._look_ups(session, account, broken)
        if look_ups.error:
            run.error = run_error(look_ups.error)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="loyalty") as pool:
            try:
                BatchReconciler(session, rules, look_ups, pool).work()
            finally:
                pool.shutdown(cancel_futures=True)

    def _look_ups(
        self,
        session: LoyaltySession,
        account: ProviderSettings | None,
        broken: SyncSamError | None,
    ) -> LookUps:
        if account is None:
            return LookUps(None, error=broken)
        window_end = session.run.started_at + self.window
        permits = Permits(
            session.database,
            account.rate_limit_id,
            account.limits,
            until=min(session.until, window_end),
            clock=self.clock,
            sleep=self.sleep,
        )
        try:
            provider = self.open_provider(
                account, session.org_id, permits.take, session.until + LAST_CALLS
            )
        except OrgError as error:
            return LookUps(None, error=error)
        reached = LoyaltyAccount(provider, permits, window_end)
        return LookUps(reached, down=session.run.alpine_down)

    def _continue(self, message: Loyalty, session: LoyaltySession, stop: OutOfTime) -> None:
        """Request the rest of the run: at once, or when the rate limit allows the next call."""
        now = self.clock()
        at = stop.free_at if isinstance(stop, OutOfPermits) else now
        *parts, last = [*joined(session.state.take_writes())] or [[]]
        for part in parts:
            session.active.commit(part)
        session.active.hand_over(last, wait=max(at - now, timedelta(0)))
        if at > now:
            self._publish_later(message, at)
        else:
            self.continuation.publish([message])
        log.info("loyalty_run_continues", at=at)

    def _publish_later(self, message: Loyalty, at: datetime) -> None:
        once = f"loyalty/{message.org_id}/{message.run_id}/{at:%Y-%m-%dT%H:%M:%S}"
        self.later.publish(message, at=at, once=once)


def _run_id(delivery_id: str) -> str:
    """The same for every delivery of a message that names no run."""
    digest = hashlib.blake2b(delivery_id.encode(), digest_size=10).hexdigest()
    return f"loyalty-{digest}"


def _mark(session: LoyaltySession, message: Loyalty, account: str, rules: str) -> None:
    """Mark in the state what is to be done for each customer; nothing is written yet.

    All customers, or those named, are looked up. What their points follow from is read anew of
    those named, of new ones and of those whose spending or merchant's flag changed; of all after a
    change of ``account`` or ``rules``.
    """
    run, progress, state = session.run, session.progress, session.state
    if message.customer_ids is not None:
        for customer_id in message.customer_ids:
            state.put(customer_id, state.get(customer_id).asked_for(LoyaltyWork.LOOK_UP))
    else:
        since = progress.marked_at
        run.everybody = True
        _add_and_remove_customers(session)
        if since is not None:
            _mark_changed_spending(session, since - OVERLAP)
        _mark_changed_equity(session)
        other_account = progress.account != account
        same = not other_account and progress.rules == rules
        work = LoyaltyWork.ASK if same else LoyaltyWork.LOOK_UP
        for customer_id, entry in state.items():
            known = entry.of_other_account() if other_account else entry
            state.put(customer_id, known.asked_for(work))
        progress.marked_at, progress.account, progress.rules = run.started_at, account, rules
    run.marked = True
    run.counts.customers = sum(1 for _, entry in state.items() if entry.work)
    log.info("loyalty_marked", customers=run.counts.customers, everybody=run.everybody)


def _add_and_remove_customers(session: LoyaltySession) -> None:
    """Give every customer an entry and remove the entries of deleted ones. The customers are only
    counted, and listed where the count differs: an entry without a customer is removed once that
    is asked about, so that the next count differs."""
    database, org_id, state = session.database, session.org_id, session.state
    if len(state) and customers.count_all(database, org_id) == len(state):
        return
    ids = loyalty.ids(database, org_id)
    state.keep_entries(ids)
    for customer_id in ids:
        if customer_id not in state:
            state.put(customer_id, LoyaltyEntry(work=LoyaltyWork.LOOK_UP))


def _mark_changed_spending(session: LoyaltySession, since: datetime) -> None:
    state = session.state
    written = loyalty.spending_since(session.database, session.org_id, since)
    for customer_id, spent_cents, orders in written:
        entry = state.get(customer_id)
        same = (entry.spent_cents, entry.orders) == (spent_cents, orders)
        if not same or customer_id not in state:
            state.put(customer_id, entry.asked_for(LoyaltyWork.LOOK_UP))


def _mark_changed_equity(session: LoyaltySession) -> None:
    flagged = loyalty.ids(session.database, session.org_id, loyalty.SOCIAL_EQUITY)
    for customer_id, entry in session.state.items():
        if entry.equity != (customer_id in flagged):
            session.state.put(customer_id, entry.asked_for(LoyaltyWork.LOOK_UP))


def _keeps_failing(session: LoyaltySession) -> str:
    times = session.run.tries - 1
    log.error("loyalty_run_keeps_failing", tries=times)
    return (
        f"Run {session.active.run_id} failed {times} times in a row, for a reason that was not"
        " foreseen: see the log of the function loyalty_reconcile. It is tried again for some"
        " hours."
    )


def _notify_outcome(session: LoyaltySession, alerts: Alerts, *, completed: bool) -> None:
    """Alert people to a run that was not ``completed`` or lacks many of Alpine IQ's answers, once
    for as long as such runs follow each other. A run for all customers that is neither ends the
    incident."""
    run, progress = session.run, session.progress
    many = run.everybody and run.counts.unavailable > run.counts.asked * FAILED_SHARE
    if run.error is not None and not completed:
        _notify_failing(session, alerts, run.error.message)
    elif run.error is not None and (run.alpine_down or many):
        stands = "Alpine IQ's last known points stand, else those calculated from orders."
        _notify_failing(session, alerts, f"{run.error.message} {stands}")
    elif progress.failing and run.everybody:
        alerts.resolve(session.org_id, FAILING)
        progress.failing = False


def _notify_failing(session: LoyaltySession, alerts: Alerts, why: str) -> None:
    """The incident is noted before it is raised, so that a crash in between leaves none open."""
    if not session.progress.failing:
        session.progress.failing = True
        session.keep([loyalty_runs.put_progress(session.org_id, session.progress)])
    alerts.raise_(session.org_id, FAILING, "Loyalty points are not brought up to date", why)


def _notify_differences(session: LoyaltySession, alerts: Alerts) -> None:
    """Send one alert for all new differences between the two figures.

    Its key contains the run's id, so that after a crash it is not sent twice. It is resolved when
    the next one is sent, or when no difference is left.
    """
    state, progress, run = session.state, session.progress, session.run
    reviews = {i: entry.review for i, entry in state.items() if entry.review is not Review.NO}
    new = sorted((i for i, review in reviews.items() if review is Review.NEW), key=natural_key)
    before, now = progress.alert, progress.alert
    if new:
        now = f"loyalty_{session.active.run_id}"
        alerts.raise_(session.org_id, now, *_alert_text(session, new, len(reviews)))
        run.counts.newly_in_review = len(new)
        for customer_id in new:
            state.put(customer_id, state.get(customer_id).reported())
    elif before and reviews:
        # Nothing new: only an address that could not be reached so far is tried again.
        alerts.raise_(session.org_id, before, *_alert_text(session, [], len(reviews)))
    elif before:
        now = None
    if before and before != now:
        alerts.resolve(session.org_id, before)
    progress.alert = now


def _alert_text(session: LoyaltySession, new: list[str], in_review: int) -> tuple[str, str]:
    title = f"Customers whose loyalty points differ from Alpine IQ's: {len(new) or in_review}"
    lines = [
        f"Customer {customer.id}: {customer.fields.get('pointsFromOrders')} from orders,"
        f" {customer.fields.get('pointsFromAlpine')} at Alpine IQ"
        for customer in loyalty.customers(session.database, session.org_id, new[:LISTED])
    ]
    if len(new) > LISTED:
        lines.append(f"and {len(new) - LISTED} more")
    lines.append(f"In review altogether: {in_review}. Alpine IQ's figures stand meanwhile.")
    return title, "\n".join(lines)


def _end(session: LoyaltySession) -> None:
    """End the run, as partial where Alpine IQ's figures are missing, and free the org."""
    run, progress = session.run, session.progress
    run.ended_at = session.clock()
    if run.error is None:
        run.state = RunState.SUCCEEDED
    else:
        run.state = RunState.PARTIAL if run.marked else RunState.FAILED
    progress.last_run_id = session.active.run_id
    if run.marked:
        progress.last_sync_at = run.ended_at
    stored = loyalty_runs.put_progress(session.org_id, progress)
    *parts, last = joined([*session.state.take_writes(end=True), [stored]])
    for part in parts:
        session.active.commit(part)
    session.active.end(last)
    log.info(
        "loyalty_run_ended",
        state=run.state,
        duration_seconds=run.duration_seconds,
        success_rate=run.success_rate,
        average_discrepancy=run.average_discrepancy,
        provider_errors=run.provider_errors,
        **run.counts.model_dump(),
    )
