"""``loyalty_runs/{runId}``, and what an org's next run must know of the ones before."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.domain.runs import RunState
from shared.store import paths
from shared.store.database import Database, Put
from shared.store.runs import KEPT, Cost, RunError


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Tally(_Stored):
    """What happened in a run. ``asked`` counts customers looked up, ``unavailable`` those without
    an answer because Alpine IQ had none to give."""

    customers: int = 0
    asked: int = 0
    found: int = 0
    no_contact: int = 0
    hidden: int = 0
    unavailable: int = 0
    reconciled: int = 0
    needs_review: int = 0
    newly_in_review: int = 0
    updated: int = 0
    unchanged: int = 0
    ledger_entries: int = 0


class LoyaltyRun(_Stored):
    """One run. Changed in place while it is under way."""

    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    error: RunError | None = None
    everybody: bool = False
    """The run looks every customer up."""
    marked: bool = False
    """Who is concerned has been decided: a later invocation of the run does what is left."""
    alpine_down: bool = False
    """Alpine IQ was given up: nobody else is looked up in this run."""
    counts: Tally = Tally()
    invocations: int = 0
    cost: Cost = Cost()


class LoyaltyProgress(_Stored):
    """What outlives a run. Changed in place.

    ``marked_at`` is the start of the last run that decided who is concerned; ``account`` is the
    org's number at Alpine IQ then (empty: none) and ``rules`` a hash of its programme; ``alert``
    is the key of the incident that tells of differences and is not over.
    """

    marked_at: datetime | None = None
    account: str = ""
    rules: str = ""
    alert: str | None = None
    last_sync_at: datetime | None = None
    last_run_id: str | None = None


def read(database: Database, org_id: str, run_id: str) -> LoyaltyRun | None:
    """The run, or None where there is none of that id."""
    found = database.get(paths.loyalty_run(org_id, run_id))
    return LoyaltyRun.model_validate(found.fields) if found.exists else None


def put(org_id: str, run_id: str, run: LoyaltyRun) -> Put:
    """The write that keeps a run."""
    fields: dict[str, Any] = run.model_dump(by_alias=True, exclude_none=True)
    fields |= {"state": run.state.value, "orgId": org_id, "runId": run_id}
    fields["expireAt"] = run.started_at + KEPT
    return Put(paths.loyalty_run(org_id, run_id), fields)


def read_progress(database: Database, org_id: str) -> LoyaltyProgress:
    """The org's progress; that of a new org where there is none."""
    return LoyaltyProgress.model_validate(database.get(paths.loyalty_progress(org_id)).fields)


def put_progress(org_id: str, progress: LoyaltyProgress) -> Put:
    """The write that keeps it."""
    fields = progress.model_dump(by_alias=True, exclude_none=True)
    return Put(paths.loyalty_progress(org_id), fields)
