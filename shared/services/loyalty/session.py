"""What one invocation of a loyalty run works with, and how it keeps what is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.services.deadline import Deadline
from shared.services.runs.lifecycle import ActiveRun
from shared.store import loyalty_runs
from shared.store.database import Database, Write
from shared.store.loyalty_runs import LoyaltyProgress, LoyaltyRun, LoyaltyState

WRITES_PER_COMMIT = 400
"""Below the 500 of the emulator and of older servers, with room for what goes along."""


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
        left = list(writes)
        while len(left) > WRITES_PER_COMMIT:
            self.active.commit(left[:WRITES_PER_COMMIT])
            del left[:WRITES_PER_COMMIT]
        state = self.state.take_writes()
        if len(left) + len(state) >= WRITES_PER_COMMIT:
            self.active.commit(left)
            left = []
        self.active.checkpoint([*left, *state])

    def hand_over(self, wait: timedelta) -> None:
        """Leave the rest of the run to its continuation, which comes after ``wait``."""
        self.active.hand_over(self.state.take_writes(), wait=wait)

    def end(self) -> None:
        """The run is over: keep what is left to keep and free the org."""
        progress = loyalty_runs.put_progress(self.org_id, self.progress)
        self.active.end([progress, *self.state.take_writes()])
