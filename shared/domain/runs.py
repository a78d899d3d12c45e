"""A run: one sync of one org, from its message to its end, over any number of invocations."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

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


class Tally(BaseModel):
    """What happened to one stream's records in a run; ``requests`` are calls to the POS."""

    model_config = ConfigDict(extra="ignore")

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    quarantined: int = 0
    requests: int = 0
    seconds: float = 0.0
