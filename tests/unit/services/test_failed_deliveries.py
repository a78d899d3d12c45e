"""What a delivery that fails leaves in the run's document and in the org's status."""

from datetime import timedelta

import pytest
from google.api_core import exceptions as google

from shared.clock import utc_now
from shared.domain.runs import FAILING_FROM, WEBHOOK_RUN, RunState
from shared.errors import Busy, InvalidMessage, LeaseLost, RetryLater, SecretsUnavailable
from shared.services.runs import lifecycle
from shared.services.runs.failure import give_up, tell_unopened
from shared.services.runs.lifecycle import ActiveRun
from shared.services.sync.run_end import set_last_state
from shared.store import paths, runs
from shared.store.database import (
    Conflict,
    Contention,
    Database,
)
from shared.store.runs import Run
from tests.documents_in_memory import DocumentsInMemory

ORG = "org_harbor"
STATUS = paths.pos_status(ORG)
NO_SECRET = "the secret pin, which posConfig.pin of location main names, could not be asked for"
UNFORESEEN = (
    "The sync met an error that was not foreseen, ZeroDivisionError: see the log of the function"
    " org_sync."
)


@pytest.fixture
def database() -> DocumentsInMemory:
    """With an org."""
    made = DocumentsInMemory()
    made.documents[paths.tenant(ORG)] = utc_now(), {"name": "Harbor & Sons"}
    return made


def new_run() -> Run:
    return Run(state=RunState.RUNNING, trigger="cron", started_at=utc_now())


def opened(database: Database, run_id: str = "monday") -> ActiveRun[Run]:
    """The run as the next delivery opens it."""
    active = lifecycle.open_run(
        lifecycle.SYNC,
        database,
        ORG,
        run_id,
        runs.read(database, ORG, run_id) or new_run(),
        clock=utc_now,
        lease_ttl=timedelta(seconds=60),
    )
    assert isinstance(active, ActiveRun)
    return active


def fail(database: Database, error: BaseException, run_id: str = "monday") -> None:
    """A delivery that fails, after work that it has not stored."""
    active = opened(database, run_id)
    active.run.done.append("customers")
    with pytest.raises(type(error)), active:
        raise error


def error_of(database: DocumentsInMemory, run_id: str = "monday") -> object:
    return database.fields(paths.sync_run(ORG, run_id)).get("error")


def told(database: DocumentsInMemory) -> tuple[object, ...]:
    status = database.fields(STATUS)
    return tuple(status.get(name) for name in ("status", "lastErrorCode", "lastErrorOwner"))


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (SecretsUnavailable(NO_SECRET), "secrets_unavailable", f"T{NO_SECRET[1:]}."),
        (ZeroDivisionError("Wren Okafor, 555-0100"), "internal", UNFORESEEN),
    ],
    ids=["of the tree", "not foreseen"],
)
def test_the_first_failed_delivery_says_why_and_whose_turn_it_is(
    database: DocumentsInMemory, error: Exception, code: str, says: str
) -> None:
    fail(database, error)

    assert error_of(database) == {"code": code, "owner": "us", "message": says}
    assert told(database) == ("error", code, "us")
    assert database.fields(STATUS)["lastError"] == f"{says} It is the turn of Sync Sam's operators."
    assert "Wren" not in str(database.documents)
    # and the next delivery may begin at once, with nothing of what this one had not stored
    assert runs.read(database, ORG, "monday") is not None
    with opened(database) as again:
        assert (again.run.tries, again.run.done) == (2, [])
        again.end([])


@pytest.mark.parametrize(
    "kind",
    [
        *(ConnectionError, TimeoutError, Contention, Conflict),
        *(google.ServiceUnavailable, google.DeadlineExceeded, google.ResourceExhausted),
    ],
)
def test_what_passes_by_itself_is_in_the_run_and_not_in_the_status(
    database: DocumentsInMemory, kind: type[Exception]
) -> None:
    fail(database, kind("not now"))

    stated = error_of(database)
    assert isinstance(stated, dict)
    assert kind.__name__ in stated["message"]
    assert database.fields(STATUS) == {}


@pytest.mark.parametrize(
    "error",
    [
        RetryLater("not now"),
        Busy("at work"),
        LeaseLost("gone"),
        InvalidMessage("odd"),
        SystemExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_failure_is_nowhere(database: DocumentsInMemory, error: BaseException) -> None:
    fail(database, error)

    assert error_of(database) is None
    assert database.fields(STATUS) == {}


def test_a_run_for_single_records_leaves_the_status_alone(database: DocumentsInMemory) -> None:
    run_id = f"{WEBHOOK_RUN}1"

    fail(database, ZeroDivisionError(), run_id)

    assert error_of(database, run_id)
    assert database.fields(STATUS) == {}


def test_a_run_that_succeeds_in_the_end_has_no_error(database: DocumentsInMemory) -> None:
    fail(database, ZeroDivisionError())

    with opened(database) as again:
        set_last_state(again.run, now=utc_now())
        again.end([])

    assert error_of(database) is None
    assert database.fields(paths.sync_run(ORG, "monday"))["state"] == "succeeded"


def test_a_run_that_keeps_failing_and_is_given_up_still_says_why(
    database: DocumentsInMemory,
) -> None:
    # Given a run all of whose deliveries fail
    for _ in range(FAILING_FROM):
        fail(database, SecretsUnavailable(NO_SECRET))
    cause = f"The last time: T{NO_SECRET[1:]}."

    # Then
    assert told(database) == ("error", "run_keeps_failing", "us")
    says = f"The sync failed {FAILING_FROM} times in a row and is tried again. {cause}"
    assert str(database.fields(STATUS)["lastError"]).startswith(says)

    # When it is given up
    left = runs.find_unfinished(database, ORG, "monday")
    assert left is not None
    give_up(database, left, utc_now())

    # Then
    assert told(database) == ("error", "run_given_up", "us")
    assert cause in str(database.fields(STATUS)["lastError"])
    assert cause in str(error_of(database))


@pytest.mark.parametrize("known", [True, False], ids=["asked for", "new"])
def test_a_run_that_cannot_be_opened_says_why(database: DocumentsInMemory, known: bool) -> None:
    if known:
        database.commit([runs.put(ORG, "monday", new_run())])

    tell_unopened(database, ORG, "monday", new_run(), ZeroDivisionError(), utc_now())

    assert told(database) == ("error", "internal", "us")
    with opened(database) as run:  # the next delivery goes on with it
        assert run.run.error is not None
        assert run.run.error.message == UNFORESEEN
        run.end([])


def test_a_run_that_cannot_be_opened_now_is_only_late(database: DocumentsInMemory) -> None:
    before = dict(database.documents)

    for error in (Busy("at work"), Contention("aborted"), InvalidMessage("no such org")):
        tell_unopened(database, ORG, "monday", new_run(), error, utc_now())

    assert database.documents == before
