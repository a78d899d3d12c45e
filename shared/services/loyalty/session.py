"""What one invocation of a loyalty run works with, and how it keeps what is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock, Deadline
from shared.services.runs.lifecycle import ActiveRun
from shared.store import loyalty_runs
from shared.store.database import Database, Write, commits
from shared.store.loyalty_runs import LoyaltyProgress, LoyaltyRun, LoyaltyState


@dataclass(frozen=True, slots=True)
class LoyaltySession:
    """One invocation's work on a run. ``deadline`` and ``until`` are the same moment."""

    active: ActiveRun[LoyaltyRun]
    progress: LoyaltyProgress
    state: LoyaltyState
    clock: Clock
    deadline: Deadline
    until: datetime

    @property
    def org_id(self) -> str:
        return self.active.org_id

    @property
    def run_id(self) -> str:
        return self.active.run_id

    @property
    def run(self) -> LoyaltyRun:
        return self.active.run

    @property
    def database(self) -> Database:
        return self.active.database

    def keep(self, writes: Sequence[Write] = ()) -> None:
        """Write, and with the last of it what is now known of the customers: from here on a
        crash repeats none of it."""
        *parts, last = [*commits(writes)] or [[]]
        left: list[Sequence[Write]] = [last, self.state.take_writes()]
        *split, together = commits(left, len)
        for part in (*parts, *map(_chained, split)):
            self.active.commit(part)
        self.active.checkpoint(_chained(together))

    def hand_over(self, wait: timedelta) -> None:
        """Leave the rest of the run to its continuation, which comes after ``wait``."""
        self.active.hand_over(self.state.take_writes(), wait=wait)

    def end(self) -> None:
        """The run is over: keep what is left to keep and free the org."""
        progress = loyalty_runs.put_progress(self.org_id, self.progress)
        self.active.end([progress, *self.state.take_writes()])


def _chained(parts: Iterable[Sequence[Write]]) -> list[Write]:
    return [write for part in parts for write in part]
