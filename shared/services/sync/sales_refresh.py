"""When a discount begins or ends between two syncs, the sale fields follow within seconds.

A sync and a refresh both plan the next refresh: a message for the moment at which sale fields next
change by time. A refresh works from what is stored and asks no POS, so that it is on time when the
POS is down or the org is paused.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from google.api_core.exceptions import GoogleAPICallError

from shared.bus.later import LaterPublisher
from shared.bus.messages import PosSync
from shared.clock import Clock
from shared.domain.providers import known_provider, scoped
from shared.domain.runs import SALES_RUN, RunState
from shared.services.runs import lifecycle
from shared.services.runs.lifecycle import ActiveRun
from shared.services.sync.commands import RefreshSales
from shared.services.sync.sales import Sales
from shared.store import discounts, inventory, status
from shared.store.database import Database, Write, joined
from shared.store.lease import HeldByOtherRun
from shared.store.runs import Run

GRACE = timedelta(seconds=15)
"""Scheduled syncs begin at full hours, as discounts do, and then set the sale fields themselves."""
AGAIN = timedelta(seconds=60)
AHEAD = timedelta(days=29)
"""Cloud Tasks keeps a task for 30 days: a later sync plans what is further ahead."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SalesRefreshPlan:
    """Plans refreshes: publishes messages to ``pos-sync`` for later."""

    later: LaterPublisher
    clock: Clock

    def at_change(self, org_id: str, provider: str, change_at: datetime | None) -> bool:
        """Plan the refresh for the moment at which the sale fields of a provider's products change,
        if any; whether that was possible. Where it was not, the next sync sets them."""
        if change_at is None or change_at - self.clock() > AHEAD:
            return False
        once = f"{org_id}/{scoped(provider, change_at.isoformat())}"
        return self._plan(org_id, provider, change_at + GRACE, once=once)

    def again(self, org_id: str, provider: str) -> bool:
        """Plan a refresh for when the run that has the org may be over."""
        at = self.clock() + AGAIN
        once = f"{org_id}/again/{scoped(provider, f'{at:%Y%m%d%H%M}')}"
        return self._plan(org_id, provider, at, once=once)

    def _plan(self, org_id: str, provider: str, at: datetime, *, once: str) -> bool:
        run_id = SALES_RUN + hashlib.blake2b(once.encode(), digest_size=10).hexdigest()
        message = PosSync(
            org_id=org_id,
            run_id=run_id,
            trigger="cron",
            streams=("discounts",),
            as_stored=True,
            provider=known_provider(provider),
        )
        try:
            self.later.publish(message, at=at, once=f"sales/{once}")
        except GoogleAPICallError:
            log.exception("sales_refresh_not_planned", org_id=org_id)
            return False
        return True


@dataclass(frozen=True, slots=True)
class SalesRefresh:
    """Sets the sale fields as the stored discounts say."""

    database: Database
    plan: SalesRefreshPlan
    clock: Clock
    lease_ttl: timedelta

    def __call__(self, command: RefreshSales) -> None:
        """Refresh the org's sales; does nothing where a sync or an earlier copy already has. Where
        a run has the org, it is tried again in a minute. Raises Busy for a copy at work."""
        org_id, provider = command.org_id, command.provider
        sales = self._sales(org_id, provider)
        if sales.changes():
            opened = lifecycle.open_run(
                lifecycle.SYNC,
                self.database,
                org_id,
                command.run_id,
                Run(state=RunState.RUNNING, trigger="cron", started_at=self.clock()),
                clock=self.clock,
                lease_ttl=self.lease_ttl,
                recorded=False,
            )
            if isinstance(opened, HeldByOtherRun):
                log.info("sales_wait_for_run", running=opened.run_id)
                self.plan.again(org_id, provider)
                return
            with opened:
                sales = self._refresh(org_id, provider, opened)
        self.plan.at_change(org_id, provider, sales.next_change())

    def _refresh(self, org_id: str, provider: str, run: ActiveRun[Run]) -> Sales:
        # Read again: a run that had the org a moment ago may have changed its products.
        sales = self._sales(org_id, provider)
        prices, writes = sales.prices, list[Write]()

        def announce() -> None:
            for part in joined(prices.take_writes()):
                run.commit(part)

        sales.apply(writes.extend, announce)
        changed = status.menu_changed(org_id, self.clock())
        single = ([write] for write in writes)
        *parts, last = joined([*single, *prices.take_writes(end=True), [changed]])
        for part in parts:
            run.commit(part)
        run.end(last)
        return sales

    def _sales(self, org_id: str, provider: str) -> Sales:
        return Sales(
            org_id,
            inventory.load_prices(self.database, org_id, provider),
            discounts.read_all(self.database, org_id, provider),
            self.clock,
        )
