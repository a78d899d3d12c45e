"""A run: one sync of one org, from its message to its end, over any number of invocations.

When an org's sync rests because its POS refuses the credentials, and when it is tried again.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

WEBHOOK_RUN = "webhook-"
"""How the ids of runs begin that fetch single records."""
SALES_RUN = "sales-"
"""How the ids of those begin that only put on sale what a discount's time says."""
SHORT_RUNS = (WEBHOOK_RUN, SALES_RUN)
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
    ``skipped_reasons`` counts the skipped orders by SkipReason; left out where it is empty."""

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
    quarantined: int = 0
    requests: int = 0
    seconds: float = 0.0


REJECTIONS_TO_PAUSE = 3
PROBE_EVERY = timedelta(days=1)


def rejections_after(before: int, *, rejected: bool, accepted: bool) -> int:
    """Rejected runs in a row after one more run.

    ``accepted``: the POS let the run in, at least for a part of its work. A run that is neither
    (the POS could not be reached) says nothing about the credentials.
    """
    if accepted:
        return 0
    return before + 1 if rejected else before


def is_paused(rejections: int) -> bool:
    """Whether an org with that many rejected runs in a row is left alone."""
    return rejections >= REJECTIONS_TO_PAUSE


def next_probe(tried_at: datetime) -> datetime:
    """When a paused org that was tried at a moment is tried again without being asked to."""
    return tried_at + PROBE_EVERY
