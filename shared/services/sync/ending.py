"""How a run ends: its last state, and the status that tells people about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.domain.runs import RunState, is_paused, next_probe
from shared.errors import Owner, SyncSamError
from shared.store import runs, status
from shared.store.database import Database, Put, Update, Write
from shared.store.manifest import QUARANTINED, SKIPPED, STORED, Manifest
from shared.store.progress import SyncProgress
from shared.store.runs import Run, RunError, UnfinishedRun

TURN = {
    Owner.ORG: "It is the dispensary's turn.",
    Owner.PROVIDER: "It is the POS provider's turn; Sync Sam tries again by itself.",
    Owner.US: "It is the turn of Sync Sam's operators.",
}


class UnreadableRecords(SyncSamError):
    """Some records are in quarantine; all others were synced."""

    code = "records_in_quarantine"
    owner = Owner.PROVIDER


class RemovalHeld(SyncSamError):
    """A removal waits for a person's word."""

    code = "removal_held"
    owner = Owner.ORG


class AlreadyRunning(SyncSamError):
    """Another run of the org was under way: this one is not needed."""

    code = "already_running"


class RunAbandoned(SyncSamError):
    """The worker of a run stopped without a word and nobody took the run up."""

    code = "run_abandoned"


class RunGivenUp(SyncSamError):
    """Every delivery of a run's message failed."""

    code = "run_given_up"


def run_error(error: SyncSamError, stream: str | None = None) -> RunError:
    """An error as a run keeps it: what happened, as a sentence, and whose turn it is."""
    said = str(error).rstrip(".")
    message = f"{said[:1].upper()}{said[1:]}."
    return RunError(code=error.code, owner=error.owner, message=message, stream=stream)


def end(run: Run, *, wanted: Sequence[str], now: datetime) -> None:
    """Set the run's last state and the error that explains it, if it needs explaining."""
    run.ended_at = now
    quarantined = {name: t.quarantined for name, t in run.streams.items() if t.quarantined}
    if run.errors:
        run.error = run.errors[0]
        complete = [s for s in wanted if s in run.done and not run.failed(s)]
        run.state = RunState.PARTIAL if complete else RunState.FAILED
    elif run.held:
        run.state = RunState.HELD
        run.error = _waiting(run.held)
    elif quarantined:
        run.state = RunState.PARTIAL
        counts = ", ".join(f"{count} {name}" for name, count in sorted(quarantined.items()))
        run.error = run_error(
            UnreadableRecords(f"{counts} could not be read and are in quarantine; the rest is in")
        )
    else:
        run.state = RunState.SUCCEEDED


def status_of(
    org_id: str,
    run_id: str,
    run: Run,
    progress: SyncProgress,
    manifests: dict[str, Manifest],
    provider: str | None,
) -> Put:
    """The status document after the run."""
    assert run.ended_at is not None
    fields: dict[str, Any] = {
        "status": _status(run, progress),
        "lastSyncAt": run.ended_at,
        "lastSuccessAt": progress.last_success_at,
        "lastRunId": run_id,
        "customersCount": manifests["customers"].count(STORED),
        "ordersCount": manifests["orders"].count(STORED),
        "menuProductsCount": manifests["products"].count(STORED),
        "ordersSkipped": manifests["orders"].count(SKIPPED),
        "quarantined": sum(m.count(QUARANTINED) for m in manifests.values()),
        "deletionsHeld": progress.deletions_held,
        "durationSeconds": round((run.ended_at - run.started_at).total_seconds(), 3),
    }
    if provider:
        fields["provider"] = provider
    if is_paused(progress.credential_failures):
        fields["nextTryAt"] = next_probe(run.ended_at)
    error = run.error or (_waiting(progress.held) if progress.held else None)
    return status.put(org_id, fields | _error_fields(error))


def _waiting(reason: str) -> RunError:
    return run_error(
        RemovalHeld(f"{reason}. If it is right, sync with allowDeletions."), "products"
    )


def close_abandoned(database: Database, org_id: str, run_id: str, now: datetime) -> list[Put]:
    """The write that ends a run whose worker died, if it has not ended."""
    run = runs.read(database, org_id, run_id)
    if run is None or run.state.ended:
        return []
    error = RunAbandoned("the run's worker stopped without a word")
    return [failed(org_id, run_id, run, error, now)]


def close_stuck(database: Database, stuck: UnfinishedRun, now: datetime, *, latest: bool) -> None:
    """End a run that hangs, as it was read; raises Conflict where it has moved since. ``latest``:
    no run came after it, so that the status is its own to write."""
    error = RunAbandoned("the run's worker stopped without a word and nobody took the run up")
    _close(database, stuck, error, now, latest=latest)


def give_up(database: Database, left: UnfinishedRun, now: datetime) -> None:
    """End a run whose message is delivered no more, as it was read, and say so in the status;
    raises Conflict where it has moved since."""
    error = RunGivenUp("the sync failed at every delivery of its message, see the dead letters")
    _close(database, left, error, now, latest=True)


def _close(
    database: Database, left: UnfinishedRun, error: SyncSamError, now: datetime, *, latest: bool
) -> None:
    ended = failed(left.org_id, left.run_id, left.run, error, now)
    writes: list[Write] = [Update(ended.path, ended.fields, if_version=left.version)]
    if latest:
        told = _error_fields(left.run.error)
        writes.append(status.put_error(left.org_id, left.run_id, now, told))
    database.commit(writes)


def failed(org_id: str, run_id: str, run: Run, error: SyncSamError, now: datetime) -> Put:
    """The write that ends a run by this error."""
    run.state = RunState.FAILED
    run.ended_at = now
    run.error = run_error(error)
    return runs.put(org_id, run_id, run)


def _error_fields(error: RunError | None) -> dict[str, Any]:
    """How the status tells of an error; nothing where there is none."""
    if error is None:
        return {}
    return {
        "lastError": f"{error.message} {TURN[Owner(error.owner)]}",
        "lastErrorCode": error.code,
        "lastErrorOwner": error.owner,
    }


def _status(run: Run, progress: SyncProgress) -> str:
    if is_paused(progress.credential_failures):
        return status.PAUSED
    if run.errors:
        return "error"
    return "held" if progress.held else "active"
