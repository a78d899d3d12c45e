"""How a run that cannot do its work is ended, and what its document and the status say of it.

Why a delivery of a run's message failed stands in the run's document and in the org's status from
the first that fails on (``failed_delivery``), until a later one succeeds. What passes by itself
(``passes``) is in the status only from the try on at which people are alerted.
"""

from datetime import datetime
from typing import Any

from google.api_core import exceptions as google

from shared.domain.runs import FAILING_FROM, SHORT_RUNS, RunState
from shared.errors import InvalidMessage, LeaseLost, Owner, RetryLater, SyncSamError
from shared.store import paths, runs, status
from shared.store.database import Conflict, Contention, Database, Put, TimedOut, Update, Write
from shared.store.runs import Run, RunError, StoredRun, UnfinishedRun

TURN = {
    Owner.ORG: "It is the dispensary's turn.",
    Owner.PROVIDER: "It is the POS provider's turn; Sync Sam tries again by itself.",
    Owner.US: "It is the turn of Sync Sam's operators.",
}


_PASSING = (
    *(Conflict, Contention, TimedOut, ConnectionError, TimeoutError),
    *(google.ServerError, google.RetryError),
    *(google.Aborted, google.Cancelled, google.TooManyRequests),
)


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


def run_error(
    error: SyncSamError, stream: str | None = None, provider: str | None = None
) -> RunError:
    """An error as a run's document keeps it: one sentence, and who must act."""
    said = str(error).rstrip(".")
    if said.partition(" ")[0].islower():  # a setting's name, such as alpineIq, stays as it is
        said = said[0].upper() + said[1:]
    return RunError(
        code=error.code, owner=error.owner, message=f"{said}.", stream=stream, provider=provider
    )


def cause_of(error: BaseException | None) -> RunError | None:
    """Why a delivery failed, in words and with whose turn it is. None where nothing is to be said:
    the message comes later on purpose, another worker has the run, the message itself is recorded
    as invalid, or the process ends.

    Of an error that was not foreseen only the name is told: its text may hold anything.
    """
    if not isinstance(error, Exception) or isinstance(
        error, RetryLater | LeaseLost | InvalidMessage
    ):
        return None
    if isinstance(error, SyncSamError):
        return run_error(error)
    return run_error(
        SyncSamError(
            f"the sync met an error that was not foreseen, {type(error).__name__}: see the log of"
            " the function org_sync"
        )
    )


def passes(error: BaseException | None) -> bool:
    """Whether it is weather: contention, or Firestore or another service that does not answer now.
    Errors of the tree are not, whoever owns them: those that pass are RetryLater."""
    return isinstance(error, _PASSING)


def because(error: SyncSamError, cause: RunError | None) -> RunError:
    """An error that comes of another, if that is known: then with its sentence and its owner."""
    told = run_error(error)
    if cause is None:
        return told
    message = f"{told.message} The last time: {cause.message}"
    return RunError(code=told.code, owner=cause.owner, message=message)


def keeps_failing(tries: int, cause: RunError | None) -> RunError:
    """The error of a run of which so many tries in a row have failed, the last one by ``cause``."""
    said = f"the sync failed {tries} times in a row and is tried again"
    return because(RunKeepsFailing(said), cause)


def failed_delivery(
    database: Database,
    org_id: str,
    run_id: str,
    run: Run,
    error: BaseException | None,
    now: datetime,
) -> list[Write]:
    """The writes that tell why a delivery of a sync run's message failed; none where nothing is to
    be said. The run's document is there."""
    cause = cause_of(error)
    if cause is None:
        return []
    # The error alone: what else the run has in memory may not be stored.
    stated = {"error": cause.model_dump(by_alias=True, exclude_none=True)}
    writes: list[Write] = [Update(runs.put(org_id, run_id, run).path, stated)]
    if passes(error):
        return writes
    return [*writes, *_told(database, org_id, run_id, run, cause, now)]


def _told(
    database: Database, org_id: str, run_id: str, run: Run, cause: RunError, now: datetime
) -> list[Write]:
    if run_id.startswith(SHORT_RUNS):  # their success writes no status that would take it back
        return []
    shown = keeps_failing(run.tries, cause) if run.tries >= FAILING_FROM else cause
    return [status.put_error(database, org_id, run_id, now, error_fields(shown))]


def tell_unopened(
    database: Database, org_id: str, run_id: str, run: Run, error: Exception, now: datetime
) -> None:
    """``failed_delivery`` of a run that could not be opened, which may have no document yet: the
    first is made from ``run``. Not fenced: the end of any run replaces the status."""
    cause = cause_of(error)
    if cause is None or passes(error):
        return
    path = paths.sync_run(org_id, run_id)
    writes = failed_delivery(database, org_id, run_id, run, error, now)
    if not database.get(path).exists:
        begun = run.model_copy(update={"error": cause})
        writes = [runs.put(org_id, run_id, begun), *writes[1:]]
    database.commit(writes)


def error_fields(error: RunError | None) -> dict[str, Any]:
    """The status fields of an error; none where there is no error."""
    if error is None:
        return {}
    return {
        "lastError": f"{error.message} {TURN[Owner(error.owner)]}",
        "lastErrorCode": error.code,
        "lastErrorOwner": error.owner,
    }


def fail(run: StoredRun, error: RunError, now: datetime) -> None:
    """Set the run's last state: failed by this error."""
    run.state, run.ended_at, run.error = RunState.FAILED, now, error


def failed(org_id: str, run_id: str, run: Run, error: SyncSamError, now: datetime) -> Put:
    """The write that ends a sync run by this error."""
    fail(run, run_error(error), now)
    return runs.put(org_id, run_id, run)


def close_stuck(database: Database, stuck: UnfinishedRun, now: datetime, *, latest: bool) -> None:
    """End a run without a worker. ``latest``: no run came after it, so that the org's status is
    its own to write. Raises Conflict where the run has moved since it was read."""
    error = RunAbandoned("the run's worker stopped without notice and no delivery took the run up")
    _close(database, stuck, run_error(error), now, latest=latest)


def give_up(database: Database, left: UnfinishedRun, now: datetime) -> None:
    """End a run whose message is not delivered any more, and say so in the status, with why the
    last delivery failed. Raises Conflict where the run has moved since it was read."""
    error = RunGivenUp("the sync failed at every delivery of its message, see the dead letters")
    _close(database, left, because(error, left.run.error), now, latest=True)


def _close(
    database: Database, left: UnfinishedRun, error: RunError, now: datetime, *, latest: bool
) -> None:
    fail(left.run, error, now)
    ended = runs.put(left.org_id, left.run_id, left.run)
    writes: list[Write] = [Update(ended.path, ended.fields, if_version=left.version)]
    if latest:
        told = error_fields(error)
        writes.append(status.put_error(database, left.org_id, left.run_id, now, told))
    database.commit(writes)
