"""How a sync run ends: its last state, and the org's status as people see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.domain.runs import RunState, is_paused, next_probe
from shared.errors import Owner, SyncSamError
from shared.services.runs.failure import error_fields, run_error
from shared.store import status
from shared.store.database import Put
from shared.store.manifest import QUARANTINED, SKIPPED, STORED, Manifest
from shared.store.runs import Run, RunError
from shared.store.status import SyncProgress


class UnreadableRecords(SyncSamError):
    """Some records are in quarantine; all others were synced."""

    code = "records_in_quarantine"
    owner = Owner.PROVIDER


class RemovalHeld(SyncSamError):
    """A removal waits for a person's decision."""

    code = "removal_held"
    owner = Owner.ORG


def set_last_state(run: Run, *, wanted: Sequence[str], now: datetime) -> None:
    """Set the state in which the run ends, and the error that explains it where it needs one."""
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
    """The write for the org's status after the run."""
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
    return status.put(org_id, fields | error_fields(error))


def _waiting(reason: str) -> RunError:
    held = RemovalHeld(f"{reason}. If it is right, sync with allowDeletions.")
    return run_error(held, "products")


def _status(run: Run, progress: SyncProgress) -> str:
    if is_paused(progress.credential_failures):
        return status.PAUSED
    if run.errors:
        return "error"
    return "held" if progress.held else "active"
