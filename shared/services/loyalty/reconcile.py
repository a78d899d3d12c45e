"""An org's loyalty points, from the message to the last document of the run."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog

from shared.bus.messages import Loyalty
from shared.bus.publisher import LaterPublisher, Publisher
from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.changes import fingerprint
from shared.domain.loyalty import LoyaltyRules
from shared.domain.runs import RunState
from shared.errors import OrgError, SyncSamError
from shared.loyalty.port import OpenProvider, ProviderSettings
from shared.services.alerts import Alerts
from shared.services.loyalty import review
from shared.services.loyalty.batch import BatchReconciler
from shared.services.loyalty.look_ups import (
    AT_ONCE,
    LookUps,
    LoyaltyAccount,
    OutOfPermits,
    account_of,
    permits_of,
)
from shared.services.loyalty.marking import mark
from shared.services.loyalty.session import LoyaltySession
from shared.services.runs import lifecycle
from shared.services.runs.failure import run_error
from shared.store import loyalty_runs, tenants
from shared.store.database import Database
from shared.store.lease import HeldByOtherRun
from shared.store.loyalty_runs import LoyaltyRun

LAST_CALLS = timedelta(seconds=45)
"""How long calls that were begun in time may still take."""
ASK_AGAIN = timedelta(minutes=1)
"""When named customers are asked for while another run has the org."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoyaltyReconcile:
    """Reconciles orgs. ``seconds`` is how long one invocation may work before it leaves the rest
    of the run to a continuation; ``lease_ttl`` how long a silent worker keeps its org."""

    database: Database
    open_provider: OpenProvider
    alerts: Alerts
    continuation: Publisher
    later: LaterPublisher
    clock: Clock
    seconds: float
    lease_ttl: timedelta
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, message: Loyalty, delivery_id: str) -> None:
        """Do the run that the message asks for, or go on with it.

        Does nothing when the run has ended, or another run of the org is under way; customers
        asked for by name are then asked for again. Raises RetryLater while another copy of the
        message is at work, and whatever was not foreseen: it is then to be delivered again.
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
            session = LoyaltySession(
                active=opened,
                progress=loyalty_runs.read_progress(database, org_id),
                state=loyalty_runs.load_state(database, org_id),
                clock=self.clock,
                deadline=deadline,
                until=until,
            )
            self._work(message, session)

    def _work(self, message: Loyalty, session: LoyaltySession) -> None:
        try:
            self._reconcile(message, session)
        except OutOfTime as stop:
            self._continue(message, session, stop)
            return
        except OrgError as error:
            session.run.error = run_error(error)
        review.notify_differences(session, replace(self.alerts, database=session.database))
        review.set_last_state(session)
        session.end()
        log.info("loyalty_run_ended", state=session.run.state, **session.run.counts.model_dump())

    def _reconcile(self, message: Loyalty, session: LoyaltySession) -> None:
        """Do what is left of the run."""
        run, progress = session.run, session.progress
        org = tenants.read_loyalty(session.database, message.org_id)
        rules = org.rules()
        account, broken = account_of(org)
        if not run.marked:
            named = account.user_id if account else ""
            mark(
                session.database,
                message,
                run,
                progress,
                session.state,
                account=progress.account if broken else named,
                rules=_hash(rules),
            )
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
            return LookUps(None, error=broken, down=broken is not None)
        permits = permits_of(
            session.database, account, until=session.until, clock=self.clock, sleep=self.sleep
        )
        try:
            provider = self.open_provider(account, permits.take, session.until + LAST_CALLS)
        except OrgError as error:
            return LookUps(None, error=error, down=True)
        return LookUps(LoyaltyAccount(provider, permits), down=session.run.alpine_down)

    def _continue(self, message: Loyalty, session: LoyaltySession, stop: OutOfTime) -> None:
        """Ask for the rest of the run: at once, or when the rate limit allows the next call."""
        now = self.clock()
        at = stop.free_at if isinstance(stop, OutOfPermits) else now
        session.hand_over(max(at - now, timedelta(0)))
        if at > now:
            self._publish_later(message, at)
        else:
            self.continuation.publish([message])
        log.info("loyalty_run_continues", at=at)

    def _publish_later(self, message: Loyalty, at: datetime) -> None:
        once = f"loyalty/{message.org_id}/{message.run_id}/{at:%Y-%m-%dT%H:%M:%S}"
        self.later.publish(message, at=at, once=once)


def _hash(rules: LoyaltyRules) -> str:
    return fingerprint(asdict(rules)).hex()


def _run_id(delivery_id: str) -> str:
    """The same for every delivery of a message that names no run."""
    digest = hashlib.blake2b(delivery_id.encode(), digest_size=10).hexdigest()
    return f"loyalty-{digest}"
