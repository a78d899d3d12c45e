"""``sync_state/manual``: the runs of an org that people asked for in the last hour.

Whoever asks for a run writes it under the version that was read, so that of many requests at
once one is granted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.store import paths
from shared.store.database import Create, Database, Update


@dataclass(frozen=True, slots=True)
class ManualRuns:
    """The last run asked for, and when runs were asked for lately."""

    run_id: str | None
    asked_at: tuple[datetime, ...]
    version: datetime | None


def read(database: Database, org_id: str) -> ManualRuns:
    """What is known; nothing for an org that nobody asked for."""
    found = database.get(paths.manual_runs(org_id))
    asked_at = tuple(found.fields.get("askedAt", ()))
    return ManualRuns(found.fields.get("runId"), asked_at, found.version)


def add(
    org_id: str, before: ManualRuns, *, run_id: str, asked_at: Sequence[datetime]
) -> Create | Update:
    """The write for one run more; a conflict if anybody else asked since ``before`` was read."""
    path = paths.manual_runs(org_id)
    fields = {"runId": run_id, "askedAt": list(asked_at)}
    if before.version is None:
        return Create(path, fields)
    return Update(path, fields, if_version=before.version)
