"""A run says how long it took."""

from datetime import UTC, datetime, timedelta

from shared.domain.runs import RunState, StreamCounts
from shared.store.loyalty_runs import LoyaltyRun
from shared.store.runs import Cost, Run
from shared.web.routes.run_history import run_view

BEGAN = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=2, microseconds=123_456)


def ended() -> Run:
    return Run(
        state=RunState.SUCCEEDED,
        trigger="cron",
        started_at=BEGAN,
        ended_at=ENDED,
        streams={"orders": StreamCounts(seconds=80.12345), "products": StreamCounts(seconds=3)},
        cost=Cost(reads=13, writes=6),
    )


def test_the_document_of_a_run_that_ended_says_how_long_it_took() -> None:
    document = ended().document("org_test", "run-1")

    assert document["durationSeconds"] == 120.123
    assert document["streams"]["orders"]["seconds"] == 80.123


def test_that_of_a_run_under_way_does_not() -> None:
    run = Run(state=RunState.RUNNING, trigger="cron", started_at=BEGAN)

    assert "durationSeconds" not in run.document("org_test", "run-1")
    assert run_view("org_test", "run-1", run).duration_seconds is None


def test_the_seconds_go_from_the_first_invocation_to_the_end_of_the_last() -> None:
    run = Run(state=RunState.QUEUED, trigger="manual", started_at=BEGAN - timedelta(minutes=5))
    first = run.begun(BEGAN)
    second = Run.model_validate(first.document("org_test", "run-1")).begun(ENDED)
    second.ended_at = ENDED + timedelta(seconds=1)

    assert second.duration_seconds == 121.123


def test_the_route_shows_it() -> None:
    shown = run_view("org_test", "run-1", ended()).model_dump(mode="json", by_alias=True)

    assert shown["durationSeconds"] == 120.123


def test_a_loyalty_run_says_it_too() -> None:
    run = LoyaltyRun(state=RunState.SUCCEEDED, started_at=BEGAN, ended_at=ENDED)

    assert run.document("org_test", "run-1")["durationSeconds"] == 120.123


def test_the_log_says_what_the_time_went_to() -> None:
    assert ended().spent() == {
        "duration_seconds": 120.123,
        "stream_seconds": {"orders": 80.123, "products": 3.0},
        "reads": 13,
        "writes": 6,
        "deletes": 0,
    }
