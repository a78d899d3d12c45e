"""How a run that cannot do its work is ended, and what its document and the status say of it."""

from datetime import datetime
from typing import Any

from shared.domain.runs import RunState
from shared.errors import Owner, SyncSamError
from shared.store import runs, status
from shared.store.database import Database, Put, Update, Write
from shared.store.runs import Run, RunError, StoredRun, UnfinishedRun

TURN = {
    Owner.ORG: "It is the dispensary's turn.",
    Owner.PROVIDER: "It is the POS provider's turn; Sync Sam tries again by itself.",
    Owner.US: "It is the turn of Sync Sam's operators.",
}


class AlreadyRunning(SyncSamError):
    """Another run of the org was under way: this one is not needed."""

    code = "already_running"


class RunAbandoned(SyncSamError):
    """The worker of a run stopped without notice and no delivery took the run up."""

    code = "run_abandoned"


class LoyaltyRunAbandoned(SyncSamError):
    """RunAbandoned, of a loyalty run."""

    code = "loyalty_run_abandoned"


class RunKeepsFailing(SyncSamError):
    """Several deliveries of a run's message failed in a row, and more follow."""

    code = "run_keeps_failing"


class RunGivenUp(SyncSamError):
    """Every delivery of a run's message failed."""

    code = "run_given_up"


def run_error(error: SyncSamError, stream: str | None = None) -> RunError:
    """An error as a run's document keeps it: one sentence, and who must act."""
    said = str(error).rstrip(".")
    if said.partition(" ")[0].islower():  # a setting's name, such as alpineIq, stays as it is
        said = said[0].upper() + said[1:]
    return RunError(code=error.code, owner=error.owner, message=f"{said}.", stream=stream)


def error_fields(error: RunError | None) -> dict[str, Any]:
    """The status fields of an error; none where there is no error."""
    if error is None:
        return {}
    return {
        "lastError": f"{error.message} {TURN[Owner(error.owner)]}",
        "lastErrorCode": error.code,
        "lastErrorOwner": error.owner,
    }


def fail(run: StoredRun, error: SyncSamError, now: datetime) -> None:
    """Set the run's last state: failed by this error."""
    run.state, run.ended_at, run.error = RunState.FAILED, now, run_error(error)


def failed(org_id: str, run_id: str, run: Run, error: SyncSamError, now: datetime) -> Put:
    """The write that ends a sync run by this error."""
    fail(run, error, now)
    return runs.put(org_id, run_id, run)


def close_stuck(database: Database, stuck: UnfinishedRun, now: datetime, *, latest: bool) -> None:
    """End a run without a worker. ``latest``: no run came after it, so that the org's status is
    its own to write. Raises Conflict where the run has moved since it was read."""
    error = RunAbandoned("the run's worker stopped without notice and no delivery took the run up")
    _close(database, stuck, error, now, latest=latest)


def give_up(database: Database, left: UnfinishedRun, now: datetime) -> None:
    """End a run whose message is not delivered any more, and say so in the status. Raises
    Conflict where the run has moved since it was read."""
    error = RunGivenUp("the sync failed at every delivery of its message, see the dead letters")
    _close(database, left, error, now, latest=True)


def _close(
    database: Database, left: UnfinishedRun, error: SyncSamError, now: datetime, *, latest: bool
) -> None:
    ended = failed(left.org_id, left.run_id, left.run, error, now)
    writes: list[Write] = [Update(ended.path, ended.fields, if_version=left.version)]
    if latest:
        stated = error_fields(left.run.error)
        writes.append(status.put_error(left.org_id, left.run_id, now, stated))
    database.commit(writes)
