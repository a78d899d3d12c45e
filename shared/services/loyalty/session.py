"""What one invocation of a loyalty run works with, and how it keeps what is done."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.services.deadline import Deadline
from shared.store import loyalty_runs
from shared.store.database import Database, Write, commits
from shared.store.lease import HeldLease
from shared.store.loyalty_runs import LoyaltyProgress, LoyaltyRun, LoyaltyState
from shared.store.runs import Cost


@dataclass(frozen=True, slots=True)
class LoyaltySession:
    """One invocation's work on a run. ``deadline`` and ``until`` are the same moment."""

    org_id: str
    run_id: str
    database: Database
    lease: HeldLease
    run: LoyaltyRun
    progress: LoyaltyProgress
    state: LoyaltyState
    clock: Clock
    deadline: Deadline
    until: datetime
    cost_before: Cost

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep the lease alive meanwhile. After a failure another delivery may go on at once."""
        threading.Thread(target=self.lease.keep_alive, daemon=True).start()
        try:
            yield
        except BaseException:
            self.lease.stop(hand_over=True)
            raise
        self.lease.stop(hand_over=False)

    def keep(self, writes: Sequence[Write] = ()) -> None:
        """Write, and with the last of it what is now known of the customers: from here on a
        crash repeats none of it."""
        parts = list(commits(writes)) or [list[Write]()]
        for part in parts[:-1]:
            self.lease.commit(part)
        for together in commits([parts[-1], self._own_writes()], len):
            self.lease.commit([write for part in together for write in part])

    def hand_over(self, wait: timedelta) -> None:
        """Leave the rest of the run to its continuation, which comes after ``wait``."""
        self.lease.hand_over(self._own_writes(), wait=wait)

    def release(self) -> None:
        """The run is over: keep what is left to keep and free the org."""
        progress = loyalty_runs.put_progress(self.org_id, self.progress)
        self.lease.release([progress, *self._own_writes(more=1)])

    def _own_writes(self, more: int = 0) -> list[Write]:
        state = self.state.take_writes()
        meter, before = self.database.meter, self.cost_before
        self.run.cost = Cost(
            reads=before.reads + meter.reads,
            writes=before.writes + meter.writes + len(state) + 2 + more,
            deletes=before.deletes + meter.deletes,
        )
        return [*state, loyalty_runs.put(self.org_id, self.run_id, self.run)]
