"""One run at a time per org: the rules of the lease, without the storage."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """An org's lease as stored. ``epoch`` grows with every grant and never shrinks.

    ``holder`` is the worker that has it, None while it lies between two workers of one run
    (a continuation that is on its way); ``run_id`` is None once the run has ended.
    """

    epoch: int = 0
    run_id: str | None = None
    holder: str | None = None
    expires_at: datetime | None = None

    def alive(self, now: datetime) -> bool:
        """Whether somebody may still be at work under it."""
        return self.run_id is not None and self.expires_at is not None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Granted:
    """The lease is the asker's. ``abandoned`` is the run whose worker died holding it, if any."""

    epoch: int
    abandoned: str | None


@dataclass(frozen=True, slots=True)
class HeldBySameRun:
    """Another copy of the same message is at work: come back when it must have ended."""


@dataclass(frozen=True, slots=True)
class HeldByOtherRun:
    """Another run of the org is under way."""

    run_id: str


def ask(lease: Lease, *, run_id: str, now: datetime) -> Granted | HeldBySameRun | HeldByOtherRun:
    """Decide whether run ``run_id`` may take the lease at ``now``."""
    if lease.alive(now):
        if lease.run_id != run_id:
            return HeldByOtherRun(str(lease.run_id))
        if lease.holder is not None:
            return HeldBySameRun()
    abandoned = lease.run_id if lease.run_id not in (None, run_id) else None
    return Granted(epoch=lease.epoch + 1, abandoned=abandoned)
