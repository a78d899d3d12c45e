"""``sync_runs/{runId}``: one document per run, with what it needs to be taken up again.

``sync_state/manual``: the runs of an org that people asked for in the last hour.

Whoever asks for a run writes it under the version that was read, so that of many requests at
once one is granted.

``sync_reports/{runId}``: what a sync would have done, one document per dry run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.domain.runs import RunState, StreamCounts
from shared.store import paths
from shared.store.database import Create, Database, Put, Update

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
    streams: dict[str, StreamCounts] = {}
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

    def tally(self, stream: str) -> StreamCounts:
        """The stream's counts, begun at zero."""
        return self.streams.setdefault(stream, StreamCounts())

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
class UnfinishedRun:
    """A run that has not ended, as it stood at ``version``."""

    org_id: str
    run_id: str
    run: Run
    version: datetime | None


def find_unfinished(database: Database, org_id: str, run_id: str) -> UnfinishedRun | None:
    """The run of that id; None where there is none or it has ended."""
    found = database.get(paths.sync_run(org_id, run_id))
    if not found.exists:
        return None
    run = Run.model_validate(found.fields)
    return None if run.state.ended else UnfinishedRun(org_id, run_id, run, found.version)


def unfinished(database: Database, before: datetime, limit: int) -> list[UnfinishedRun]:
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
        UnfinishedRun(paths.org_of(d.path), d.id, Run.model_validate(d.fields), d.version)
        for d in found
    ]


@dataclass(frozen=True, slots=True)
class ManualRequests:
    """The last run asked for, and when runs were asked for lately."""

    run_id: str | None
    asked_at: tuple[datetime, ...]
    version: datetime | None


def read_manual(database: Database, org_id: str) -> ManualRequests:
    """What is known; nothing for an org that nobody asked for."""
    found = database.get(paths.manual_runs(org_id))
    asked_at = tuple(found.fields.get("askedAt", ()))
    return ManualRequests(found.fields.get("runId"), asked_at, found.version)


def add_manual(
    org_id: str, before: ManualRequests, *, run_id: str, asked_at: Sequence[datetime]
) -> Create | Update:
    """The write for one run more; a conflict if anybody else asked since ``before`` was read."""
    path = paths.manual_runs(org_id)
    fields = {"runId": run_id, "askedAt": list(asked_at)}
    if before.version is None:
        return Create(path, fields)
    return Update(path, fields, if_version=before.version)


REPORT_KEPT = timedelta(days=30)
"""How long Firestore keeps a report (its TTL field is ``expireAt``): it shows customers' data."""


OF_RUN = (
    "state",
    "trigger",
    "requestedBy",
    "startedAt",
    "endedAt",
    "error",
    "errors",
    "held",
    "deletionsHeld",
)
"""What stands in a report as in a run's document."""

SEEN = (
    *("fetched", "unchanged", "skipped", "skippedReasons", "quarantined", "requests", "seconds"),
)
"""What of a stream's tally: the rest is counted by what is stored, not by what is remembered."""


def report_exists(database: Database, org_id: str, run_id: str) -> bool:
    """Whether the run's report is there."""
    return database.get(paths.sync_report(org_id, run_id)).exists


def put_report(
    org_id: str,
    run_id: str,
    run: Run,
    changes: Mapping[str, Mapping[str, Any]],
    *,
    complete: bool,
    spending_of: int | None,
) -> Put:
    """The write for a report. ``changes`` has, by stream, how many records would be created,
    updated, rewritten and removed, and the first of them field by field; ``spending_of`` is how
    many customers' spending would be asked for, None for everybody's."""
    document = dict(put(org_id, run_id, run).fields)
    streams = {
        name: {seen: tally[seen] for seen in SEEN if seen in tally} | dict(changes[name])
        for name, tally in document["streams"].items()
    }
    return Put(
        paths.sync_report(org_id, run_id),
        {
            "orgId": org_id,
            "runId": run_id,
            "dryRun": True,
            "complete": complete,
            "spendingOf": "all" if spending_of is None else spending_of,
            "streams": streams,
            "expireAt": run.started_at + REPORT_KEPT,
            **{name: document[name] for name in OF_RUN if name in document},
        },
    )
