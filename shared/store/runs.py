"""``sync_runs/{runId}``: one document per run, with what it needs to be taken up again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.domain.runs import RunState, Tally
from shared.store import paths
from shared.store.database import Database, Put

KEPT = timedelta(days=90)
"""How long Firestore keeps a run's document (its TTL field is ``expireAt``)."""


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Cost(_Stored):
    """Firestore documents a run read, wrote and deleted."""

    reads: int = 0
    writes: int = 0
    deletes: int = 0


class RunError(_Stored):
    """Why a run, or one of its streams, did not do all of its work."""

    code: str
    owner: str
    message: str
    stream: str | None = None


class Position(_Stored):
    """A place in the listings of several accounts, one after the other."""

    account: int = 0
    page: int = 1


class Run(_Stored):
    """One run. Changed in place while it is under way."""

    state: RunState
    trigger: str
    started_at: datetime
    ended_at: datetime | None = None
    requested_by: str | None = None
    error: RunError | None = None
    streams: dict[str, Tally] = {}
    done: list[str] = []
    """Streams that are complete: a later invocation of the run leaves them alone."""
    reset: bool = False
    """A ``full`` run has already been told to distrust what the manifests say."""
    customers_at: Position = Position()
    """Where the customers' listing is to go on."""
    errors: list[RunError] = []
    """Of streams, and of records in quarantine."""
    held: str | None = None
    """Why a removal waits for a person."""
    deletions_held: int = 0
    invocations: int = 0
    cost: Cost = Cost()

    def tally(self, stream: str) -> Tally:
        """The stream's counts, begun at zero."""
        return self.streams.setdefault(stream, Tally())

    def failed(self, stream: str) -> bool:
        """Whether the stream was given up."""
        return any(error.stream == stream for error in self.errors)


def read(database: Database, org_id: str, run_id: str) -> Run | None:
    """The run, or None where there is none of that id."""
    found = database.get(paths.sync_run(org_id, run_id))
    return Run.model_validate(found.fields) if found.exists else None


def put(org_id: str, run_id: str, run: Run) -> Put:
    """The write that keeps a run."""
    ids = {"orgId": org_id, "runId": run_id, "expireAt": run.started_at + KEPT}
    return Put(paths.sync_run(org_id, run_id), _document(run) | ids)


def _document(run: Run) -> dict[str, Any]:
    document = run.model_dump(by_alias=True, exclude_none=True)
    document["state"] = run.state.value
    for tally in document["streams"].values():
        tally["seconds"] = round(tally["seconds"], 3)
    return document


@dataclass(frozen=True, slots=True)
class Unended:
    """A run that has not ended, as it stood at ``version``."""

    org_id: str
    run_id: str
    run: Run
    version: datetime | None


def find_unended(database: Database, org_id: str, run_id: str) -> Unended | None:
    """The run of that id; None where there is none or it has ended."""
    found = database.get(paths.sync_run(org_id, run_id))
    if not found.exists:
        return None
    run = Run.model_validate(found.fields)
    return None if run.state.ended else Unended(org_id, run_id, run, found.version)


def unended(database: Database, before: datetime, limit: int) -> list[Unended]:
    """Runs of all orgs that were begun, or asked for, before a moment and have not ended; the
    oldest ``limit`` of them."""
    found = database.query(
        paths.SYNC_RUNS,
        ("state", "in", [RunState.QUEUED.value, RunState.RUNNING.value]),
        ("startedAt", "<", before),
        order_by=[("startedAt", "ASCENDING")],
        limit=limit,
        everywhere=True,
    )
    return [
        Unended(paths.org_of(d.path), d.id, Run.model_validate(d.fields), d.version) for d in found
    ]
