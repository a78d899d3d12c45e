"""A run: one sync of one org, from its message to its end, over any number of invocations.

The rules of its life: who may work on it (the lease), when it is stuck, and when an org's runs
rest because its POS refuses the credentials. All times are aware UTC.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

WEBHOOK_RUN = "webhook-"
"""Prefix of the ids of runs that fetch single records."""
STREAMS_RUN = "streams-"
"""Prefix of the ids of runs that sync whole streams for a webhook."""
SALES_RUN = "sales-"
"""Prefix of the ids of runs that only start and end sales at the times of their discounts."""
ERASURE_RUN = "erase-"
"""Prefix of the ids of erasures, which have the org like a run."""
SHORT_RUNS = (WEBHOOK_RUN, SALES_RUN, ERASURE_RUN)
"""They last seconds: others wait for them."""


class RunState(StrEnum):
    """The states of a run, as stored in its document."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    HELD = "held"

    @property
    def ended(self) -> bool:
        return self not in (RunState.QUEUED, RunState.RUNNING)


class StreamCounts(BaseModel):
    """What happened to one stream's records in a run; ``requests`` are calls to the POS.
    ``skipped_reasons`` counts the skipped orders by SkipReason, ``counts`` the metadata by kind;
    each is left out where it is empty."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True
    )

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    skipped_reasons: dict[str, int] = Field(default={}, exclude_if=lambda counts: not counts)
    counts: dict[str, int] = Field(default={}, exclude_if=lambda counts: not counts)
    quarantined: int = 0
    requests: int = 0
    seconds: float = 0.0

    def plus(self, other: "StreamCounts") -> "StreamCounts":
        """Both together."""

        def sums(one: dict[str, int], another: dict[str, int]) -> dict[str, int]:
            return {name: one.get(name, 0) + another.get(name, 0) for name in {**one, **another}}

        return StreamCounts(
            fetched=self.fetched + other.fetched,
            created=self.created + other.created,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            deleted=self.deleted + other.deleted,
            skipped=self.skipped + other.skipped,
            skipped_reasons=sums(self.skipped_reasons, other.skipped_reasons),
            counts=sums(self.counts, other.counts),
            quarantined=self.quarantined + other.quarantined,
            requests=self.requests + other.requests,
            seconds=self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """An org's lease as stored: one run at a time. ``epoch`` grows with every grant.

    ``holder`` is the worker that has it, None between two workers of one run (a continuation that
    is on its way); ``run_id`` is None once the run has ended.
    """

    epoch: int = 0
    run_id: str | None = None
    holder: str | None = None
    expires_at: datetime | None = None

    def alive(self, now: datetime) -> bool:
        """Whether a worker may still be at work under it."""
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


SILENT_AFTER = timedelta(minutes=30)
"""A run whose worker gave no sign for this long has none: longer than Pub/Sub waits before it
delivers a message again."""
QUEUED_FOR = timedelta(hours=2)
"""A run that was not begun within this time is ended: somebody waits, and its message may still
come hours later."""
FAILING_FROM = 5
"""From this try of a run in a row on people are alerted: some minutes after the first. Pub/Sub goes
on delivering the message for hours."""
LATE_AFTER = timedelta(minutes=45)
"""A run every 30 minutes that lasts 15 at the most: an org without a success for longer is behind.
"""
OVERDUE_AFTER = timedelta(hours=2)
"""An org without a successful sync for this long raises an alert, as does a schedule without a
tick."""
NEW_FOR = timedelta(days=1)
"""How long after its first tick an org counts as new: from then on its last success decides."""
FORGOTTEN_AFTER = timedelta(days=30)
"""An org that has not succeeded for this long raised its alert long ago."""
MANY_ORGS = 25
"""From here on overdue orgs are one incident of ours, not one incident each."""


def is_stuck(
    state: RunState, started_at: datetime, run_id: str, lease: Lease, now: datetime
) -> bool:
    """Whether a run that has not ended never will: no worker holds its org's ``lease`` for it."""
    if state is RunState.QUEUED:
        return now - started_at > QUEUED_FOR
    last_sign = started_at
    if lease.run_id == run_id and lease.expires_at is not None:
        last_sign = max(last_sign, lease.expires_at)
    return state is RunState.RUNNING and now - last_sign > SILENT_AFTER


def is_recovered(opened_at: datetime, last_success: datetime | None) -> bool:
    """Whether an org's sync has succeeded since an incident was opened."""
    return last_success is not None and last_success > opened_at


REJECTIONS_TO_PAUSE = 3
PROBE_EVERY = timedelta(days=1)


def rejections_after(before: int, *, rejected: bool, accepted: bool) -> int:
    """Rejected runs in a row after one more run.

    ``accepted``: the POS let the run in, at least for a part of its work. A run that is neither
    (the POS could not be reached) says nothing about the credentials.
    """
    return 0 if accepted else before + rejected


def is_paused(rejections: int) -> bool:
    """Whether an org with that many rejected runs in a row is left alone."""
    return rejections >= REJECTIONS_TO_PAUSE


def next_probe(tried_at: datetime) -> datetime:
    """When a paused org that was tried at a moment is tried again without being asked to."""
    return tried_at + PROBE_EVERY
