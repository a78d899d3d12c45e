"""``sync_reports/{runId}``: what a sync would have done, one document per dry run."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.store import paths, runs
from shared.store.database import Database, Put
from shared.store.runs import Run

KEPT = timedelta(days=30)
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

SEEN = ("fetched", "unchanged", "skipped", "quarantined", "requests", "seconds")
"""What of a stream's tally: the rest is counted by what is stored, not by what is remembered."""


def exists(database: Database, org_id: str, run_id: str) -> bool:
    """Whether the run's report is there."""
    return database.get(paths.sync_report(org_id, run_id)).exists


def put(
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
    document = dict(runs.put(org_id, run_id, run).fields)
    streams = {
        name: {seen: tally[seen] for seen in SEEN} | dict(changes[name])
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
            "expireAt": run.started_at + KEPT,
            **{name: document[name] for name in OF_RUN if name in document},
        },
    )
