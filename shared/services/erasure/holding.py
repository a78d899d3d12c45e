"""Keeps syncs, loyalty runs and imports away from an org while something of it is erased."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from google.api_core.exceptions import GoogleAPICallError

from shared.clock import Clock
from shared.domain.runs import RunState
from shared.errors import Busy, InvalidMessage, LeaseLost, NotFound, RequestRefused
from shared.services.runs import lifecycle
from shared.services.runs.lifecycle import ActiveRun
from shared.store import lease, paths
from shared.store.database import Contention, Database, Write
from shared.store.lease import HeldByOtherRun, HeldLease
from shared.store.loyalty_runs import LoyaltyRun
from shared.store.runs import Run

LEASE_TTL = timedelta(seconds=60)
PATIENCE_SECONDS = 20.0
"""How long a run that has the org is waited for."""
LOOK_AGAIN_SECONDS = 0.5

T = TypeVar("T")


class ErasureWaits(RequestRefused):
    """A run of the org is under way: nothing is erased beside it."""

    code = "erasure_waits"
    status = 409


@dataclass(frozen=True, slots=True)
class OrgHold:
    """The three leases of an org. ``lease_ttl`` is how long a silent worker keeps them."""

    database: Database
    clock: Clock
    lease_ttl: timedelta = LEASE_TTL
    patience_seconds: float = PATIENCE_SECONDS

    def __call__(self, held: ExitStack, org_id: str, run_id: str) -> ActiveRun[Run]:
        """Take the org until ``held`` is left. Raises ErasureWaits while a run has it, and NotFound
        for an unknown org."""
        now = self.clock()
        loyalty = LoyaltyRun(state=RunState.RUNNING, started_at=now)
        sync = Run(state=RunState.RUNNING, trigger="manual", started_at=now)
        run = held.enter_context(self._opened(lifecycle.SYNC, org_id, run_id, sync))
        other = held.enter_context(self._opened(lifecycle.LOYALTY, org_id, run_id, loyalty))
        held.callback(_released, other.end)
        imports = self._imports(org_id, run_id)
        threading.Thread(target=imports.keep_alive, daemon=True).start()
        held.callback(_released, imports.release)
        return run

    def _opened(
        self, kind: lifecycle.RunKind[lifecycle.R], org_id: str, run_id: str, run: lifecycle.R
    ) -> ActiveRun[lifecycle.R]:
        def take() -> ActiveRun[lifecycle.R] | HeldByOtherRun:
            return lifecycle.open_run(
                kind,
                self.database,
                org_id,
                run_id,
                run,
                clock=self.clock,
                lease_ttl=self.lease_ttl,
                recorded=False,
            )

        return self._taken(take)

    def _imports(self, org_id: str, run_id: str) -> HeldLease:
        return self._taken(
            lambda: lease.acquire(
                self.database,
                paths.ecom_lease(org_id),
                run_id=run_id,
                holder=uuid.uuid4().hex,
                ttl=self.lease_ttl,
                first_writes=lambda _: (),
            )
        )

    def _taken(self, take: Callable[[], T | HeldByOtherRun]) -> T:
        """What ``take`` gives, once no other run has it."""
        until = time.monotonic() + self.patience_seconds
        while True:
            try:
                found = take()
            except InvalidMessage:
                raise NotFound("there is no such org") from None
            except Busy:
                found = HeldByOtherRun("an earlier request to erase the same customer")
            if not isinstance(found, HeldByOtherRun):
                return found
            if time.monotonic() >= until:
                raise ErasureWaits(
                    f"{found.run_id} is under way at the org: ask again once it has ended"
                )
            time.sleep(LOOK_AGAIN_SECONDS)


def _released(release: Callable[[Sequence[Write]], None]) -> None:
    """Free a lease that nothing was written under; one that was lost is free."""
    with suppress(LeaseLost, Contention, GoogleAPICallError):
        release([])
