"""Between two syncs a discount begins or ends: what is on sale follows within seconds.

Whoever works out an org's sales plans the next refresh: a message for the moment at which they
change by themselves. A refresh works from what is stored and asks no POS, so that it is as
punctual when the POS is down or the org is paused.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from google.api_core.exceptions import GoogleAPICallError

from shared.bus.messages import PosSync
from shared.bus.publisher import LaterPublisher
from shared.clock import Clock
from shared.domain.runs import SALES_RUN
from shared.services.sync import ending
from shared.services.sync.sales import Sales
from shared.store import discounts, paths, status
from shared.store import lease as leases
from shared.store import prices as prices_store
from shared.store.database import Database, Put, Write, commits
from shared.store.lease import HeldByOtherRun, HeldLease

GRACE = timedelta(seconds=15)
"""Syncs begin at full hours, as discounts do: where one is under way, the sales are its work."""
AGAIN = timedelta(seconds=60)
AHEAD = timedelta(days=29)
"""Cloud Tasks keeps a task for 30 days. What is further ahead some later sync plans."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Plans refreshes: publishes messages to ``pos-sync`` for later."""

    later: LaterPublisher
    clock: Clock

    def at_change(self, org_id: str, change_at: datetime | None) -> bool:
        """Plan the refresh for a moment at which sales change, if any; whether it stands. Where
        it cannot be planned the next sync puts the sales right."""
        if change_at is None or change_at - self.clock() > AHEAD:
            return False
        return self._plan(org_id, change_at + GRACE, once=f"{org_id}/{change_at.isoformat()}")

    def again(self, org_id: str) -> bool:
        """Plan a refresh for when the run that has the org may be over."""
        at = self.clock() + AGAIN
        return self._plan(org_id, at, once=f"{org_id}/again/{at:%Y%m%d%H%M}")

    def _plan(self, org_id: str, at: datetime, *, once: str) -> bool:
        run_id = SALES_RUN + hashlib.blake2b(once.encode(), digest_size=10).hexdigest()
        message = PosSync(
            org_id=org_id, run_id=run_id, trigger="cron", streams=("discounts",), as_stored=True
        )
        try:
            self.later.publish(message, at=at, once=f"sales/{once}")
        except GoogleAPICallError:
            log.exception("sales_refresh_not_planned", org_id=org_id)
            return False
        return True


@dataclass(frozen=True, slots=True)
class RefreshSales:
    """Puts on sale what the stored discounts say, and off sale what they no longer say."""

    database: Database
    plan: RefreshPlan
    clock: Clock
    lease_ttl: timedelta

    def __call__(self, message: PosSync) -> None:
        """Refresh the org's sales; does nothing where a sync or an earlier copy already has. Where
        a run has the org, it is tried again in a minute. Raises Busy for a copy at work."""
        org_id = message.org_id
        sales = self._sales(org_id)
        if sales.changes():
            held = self._acquire(org_id, message.run_id)
            if isinstance(held, HeldByOtherRun):
                log.info("sales_wait_for_run", running=held.run_id)
                self.plan.again(org_id)
                return
            sales = self._refresh(org_id, held)
        self.plan.at_change(org_id, sales.next_change())

    def _refresh(self, org_id: str, held: HeldLease) -> Sales:
        done = False
        try:
            # Read again: whoever had the org a moment ago may have changed its products.
            sales = self._sales(org_id)
            prices, writes = sales.prices, list[Write]()
            sales.apply(writes.extend, lambda: held.commit(prices.take_writes()))
            for part in commits(writes):
                held.commit(part)
            told = status.menu_changed(org_id, self.clock())
            held.release([*prices.take_writes(), told])
            done = True
        finally:
            held.stop(hand_over=not done)
        return sales

    def _sales(self, org_id: str) -> Sales:
        return Sales(
            org_id,
            prices_store.load_prices(self.database, org_id),
            discounts.read_all(self.database, org_id),
            self.clock,
        )

    def _acquire(self, org_id: str, run_id: str) -> HeldLease | HeldByOtherRun:
        def first_writes(abandoned: str | None) -> list[Put]:
            if abandoned is None:
                return []
            return ending.close_abandoned(self.database, org_id, abandoned, self.clock())

        return leases.acquire(
            self.database,
            paths.lease(org_id),
            run_id=run_id,
            holder=uuid.uuid4().hex,
            ttl=self.lease_ttl,
            first_writes=first_writes,
        )
