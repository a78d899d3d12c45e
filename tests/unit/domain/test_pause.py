"""When an org rests, and when it is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.runs import REJECTIONS_TO_PAUSE, is_paused, next_probe, rejections_after

LET_IN, REFUSED, UNKNOWN = "let in", "refused", "unknown"


def after(outcomes: list[str]) -> int:
    """Rejections in a row after runs with these outcomes."""
    rejections = 0
    for outcome in outcomes:
        rejections = rejections_after(
            rejections, rejected=outcome == REFUSED, accepted=outcome == LET_IN
        )
    return rejections


@pytest.mark.parametrize(
    ("outcomes", "paused"),
    [
        ([REFUSED, REFUSED], False),
        ([REFUSED, REFUSED, REFUSED], True),
        ([REFUSED, UNKNOWN, REFUSED, UNKNOWN, REFUSED], True),
        ([REFUSED, REFUSED, LET_IN, REFUSED], False),
        ([REFUSED, REFUSED, REFUSED, UNKNOWN], True),
        ([REFUSED, REFUSED, REFUSED, LET_IN], False),
        ([UNKNOWN] * 10, False),
    ],
)
def test_three_refusals_in_a_row_pause_and_one_run_that_is_let_in_resumes(
    outcomes: list[str], paused: bool
) -> None:
    assert is_paused(after(outcomes)) is paused


def test_a_run_that_is_refused_in_part_was_let_in() -> None:
    assert rejections_after(2, rejected=True, accepted=True) == 0


@given(st.lists(st.sampled_from([LET_IN, REFUSED, UNKNOWN])))
def test_what_counts_is_what_came_since_the_last_run_that_was_let_in(outcomes: list[str]) -> None:
    # Given any history, then only the refusals behind its last run that was let in count
    since = outcomes[::-1]
    since = since[: since.index(LET_IN)] if LET_IN in since else since
    assert after(outcomes) == since.count(REFUSED)
    assert is_paused(after(outcomes)) == (since.count(REFUSED) >= REJECTIONS_TO_PAUSE)


def test_it_is_tried_again_a_day_later() -> None:
    tried = datetime(2026, 3, 8, 1, 30, tzinfo=UTC)
    assert next_probe(tried) - tried == timedelta(days=1)
