"""What a loyalty run has to do for whom, and who is told."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.loyalty import LoyaltyRules, ProviderAnswer, ProviderStatus, reconcile
from shared.domain.loyalty_work import REFRESH_DAYS, LoyaltyEntry, LoyaltyWork, Review, is_due

TODAY = date(2026, 3, 18)
RULES = LoyaltyRules()
FOUND = ProviderAnswer(ProviderStatus.FOUND, 500, "7")
DOWN = ProviderAnswer(ProviderStatus.UNAVAILABLE)


def entry(
    work: LoyaltyWork = LoyaltyWork.NONE, days_ago: int = 3, review: Review = Review.NO
) -> LoyaltyEntry:
    return LoyaltyEntry(
        work=work, looked_up=TODAY.toordinal() - days_ago, answer=FOUND, review=review
    )


def calculated(before: LoyaltyEntry, points: int, answer: ProviderAnswer) -> LoyaltyEntry:
    result = reconcile(points, answer, RULES)
    return before.calculated(result, spent_cents=0, orders=0, equity=False, ledger=b"")


@given(st.text(min_size=1, max_size=12), st.integers(0, 6))
def test_everybody_is_looked_up_once_in_every_7_days(customer_id: str, start: int) -> None:
    # Given a pass over everybody
    day = TODAY + timedelta(days=start)
    known = LoyaltyEntry(looked_up=day.toordinal(), answer=FOUND)
    # When three weeks go by
    gaps = []
    for _ in range(21):
        day += timedelta(days=1)
        if is_due(customer_id, known, day):
            gaps.append(day.toordinal() - known.looked_up)
            known = known.asked_for(LoyaltyWork.REFRESH).answered(FOUND, day)
    # Then the first time is within a week, and all others just a week apart
    assert 1 <= gaps[0] <= REFRESH_DAYS
    assert set(gaps[1:]) == {REFRESH_DAYS}


def test_look_ups_spread_evenly_over_the_days_after_a_full_pass() -> None:
    # Given 7,000 customers looked up on one day
    known = LoyaltyEntry(looked_up=TODAY.toordinal(), answer=FOUND)
    ids = [str(100_001 + n) for n in range(7_000)]
    # When
    due = Counter(
        next(n for n in range(1, 8) if is_due(i, known, TODAY + timedelta(days=n))) for i in ids
    )
    # Then each day has about a seventh
    assert sorted(due) == [1, 2, 3, 4, 5, 6, 7]
    assert min(due.values()) > 900
    assert max(due.values()) < 1_100


def test_whoever_has_no_answer_is_due_at_once() -> None:
    assert is_due("1", LoyaltyEntry(), TODAY)
    assert is_due("1", entry(LoyaltyWork.LOOK_UP).answered(DOWN, TODAY), TODAY + timedelta(days=1))


def test_of_a_new_customer_nothing_was_asked_or_reckoned() -> None:
    assert LoyaltyEntry() == LoyaltyEntry(
        work=LoyaltyWork.NONE,
        looked_up=0,
        answer=ProviderAnswer(ProviderStatus.NOT_CONFIGURED),
        spent_cents=0,
        orders=0,
        equity=False,
        ledger=b"",
        review=Review.NO,
    )


def test_what_is_remembered_as_a_number_keeps_its_number() -> None:
    assert {work.name: int(work) for work in LoyaltyWork} == {
        "NONE": 0,
        "CALCULATE": 1,
        "REFRESH": 2,
        "LOOK_UP": 3,
    }
    assert {review.name: int(review) for review in Review} == {"NO": 0, "NEW": 1, "REPORTED": 2}


def test_what_the_points_were_reckoned_from_is_remembered() -> None:
    result = reconcile(500, FOUND, RULES)
    after = entry(LoyaltyWork.CALCULATE).calculated(
        result, spent_cents=50_000, orders=7, equity=True, ledger=b"hash"
    )
    assert (after.spent_cents, after.orders, after.equity, after.ledger) == (
        50_000,
        7,
        True,
        b"hash",
    )


def test_nobody_is_due_twice_on_one_day() -> None:
    assert not any(is_due(str(n), entry(days_ago=0), TODAY) for n in range(50))


def test_an_answer_leaves_only_the_reckoning_to_do() -> None:
    # When
    after = entry(LoyaltyWork.LOOK_UP, days_ago=6).answered(FOUND, TODAY)
    # Then
    assert (after.work, after.answer, after.looked_up) == (
        LoyaltyWork.CALCULATE,
        FOUND,
        TODAY.toordinal(),
    )


def test_with_alpine_iq_down_a_mere_refresh_leaves_the_last_answer_standing() -> None:
    # When
    after = entry(LoyaltyWork.REFRESH, days_ago=7).answered(DOWN, TODAY)
    # Then it stands, and stays due
    assert (after.work, after.answer) == (LoyaltyWork.CALCULATE, FOUND)
    assert is_due("1", after, TODAY + timedelta(days=1))


def test_with_alpine_iq_down_a_refresh_of_somebody_never_answered_says_that_it_is_down() -> None:
    after = LoyaltyEntry(work=LoyaltyWork.REFRESH).answered(DOWN, TODAY)
    assert (after.work, after.answer, after.looked_up) == (LoyaltyWork.CALCULATE, DOWN, 0)


def test_with_alpine_iq_down_what_changed_is_calculated_without_it() -> None:
    after = entry(LoyaltyWork.LOOK_UP).answered(DOWN, TODAY)
    assert (after.work, after.answer, after.looked_up) == (LoyaltyWork.CALCULATE, DOWN, 0)


@pytest.mark.parametrize("before", [*Review])
def test_a_difference_is_told_once_until_the_figures_have_agreed(before: Review) -> None:
    # Given
    known = entry(review=before)
    # When the figures differ, Alpine IQ is down, or they agree
    differ = calculated(known, 300, FOUND)
    down = calculated(known, 300, DOWN)
    agree = calculated(known, 500, FOUND)
    # Then
    assert differ.review is (before or Review.NEW)
    assert down.review is before
    assert agree.review is Review.NO
    assert calculated(agree, 300, FOUND).review is Review.NEW
    assert calculated(differ.reported(), 200, FOUND).review is Review.REPORTED


@given(st.lists(st.sampled_from([*LoyaltyWork]), max_size=5))
def test_work_that_is_asked_for_never_shrinks_until_it_is_done(asked: list[LoyaltyWork]) -> None:
    known = entry()
    for work in asked:
        known = known.asked_for(work)
    assert known.work == max(asked, default=LoyaltyWork.NONE)
    assert calculated(known, 500, FOUND).work is LoyaltyWork.NONE
