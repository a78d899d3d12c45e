"""What a loyalty run has to do for whom, and who is told."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.loyalty import LoyaltyRules, ProviderAnswer, ProviderStatus, reconcile
from shared.domain.loyalty_work import (
    LEDGER_DAYS,
    NEVER_ASKED,
    LoyaltyEntry,
    LoyaltyWork,
    Review,
    is_ledger_day,
)

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
    return before.calculated(reconcile(points, answer, RULES))


def test_each_customer_has_a_day_of_the_week() -> None:
    # Given
    week = [TODAY + timedelta(days=n) for n in range(LEDGER_DAYS)]
    ids = [str(100_001 + n) for n in range(7_000)]
    # When
    days = {i: [day for day in week if is_ledger_day(i, day)] for i in ids}
    # Then each has one, and each day about as many
    assert {len(own) for own in days.values()} == {1}
    on = Counter(own[0] for own in days.values())
    assert 900 < min(on.values()) <= max(on.values()) < 1_100
    assert all(is_ledger_day(i, own[0] + timedelta(days=7)) for i, own in days.items())


def test_what_changed_goes_first_then_who_was_not_asked_about_for_longest() -> None:
    # Given
    entries = {
        "yesterday": entry(LoyaltyWork.ASK, days_ago=1),
        "never": LoyaltyEntry(work=LoyaltyWork.ASK),
        "last week": entry(LoyaltyWork.ASK, days_ago=7),
        "changed": entry(LoyaltyWork.LOOK_UP, days_ago=1),
        "new": LoyaltyEntry(work=LoyaltyWork.LOOK_UP),
    }
    # When / Then
    in_turn = sorted(entries, key=lambda name: entries[name].turn)
    assert in_turn == ["new", "changed", "never", "last week", "yesterday"]


def test_customers_beyond_a_nights_calls_come_in_turn_on_later_nights() -> None:
    # Given 10 customers, calls for 4 a night, and one whose spending changes every day
    entries = {str(n): LoyaltyEntry() for n in range(10)}
    asked: list[list[str]] = []
    # When a week goes by
    for night in range(7):
        for i, known in entries.items():
            work = LoyaltyWork.LOOK_UP if i == "9" else LoyaltyWork.ASK
            entries[i] = known.asked_for(work)
        turn = sorted(entries, key=lambda i: entries[i].turn)
        asked.append(turn[:4])
        for i in turn[:4]:
            found = entries[i].answered(FOUND, TODAY + timedelta(days=night))
            entries[i] = calculated(found, 500, FOUND)
        for i in turn[4:]:
            entries[i] = entries[i].postponed()
    # Then all others are asked about every third night, however much comes before them
    for start in range(5):
        three = {i for night in asked[start : start + 3] for i in night}
        assert len(three) == 10


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
    work = {"NONE": 0, "CALCULATE": 1, "ASK": 2, "LOOK_UP": 3}
    assert {name: int(LoyaltyWork[name]) for name in work} == work
    assert LoyaltyWork(3) == LoyaltyWork.CALCULATE | LoyaltyWork.ASK
    assert {review.name: int(review) for review in Review} == {"NO": 0, "NEW": 1, "REPORTED": 2}


def test_what_the_points_follow_from_is_remembered() -> None:
    after = entry().made_from(spent_cents=50_000, orders=7, equity=True, ledger=b"hash")
    after = calculated(after, 500, FOUND)
    assert (after.spent_cents, after.orders, after.equity) == (50_000, 7, True)
    assert after.ledger == b"hash"


def test_an_answer_leaves_only_the_calculation_to_do() -> None:
    # When
    after = entry(LoyaltyWork.LOOK_UP, days_ago=6).answered(FOUND, TODAY)
    # Then
    assert (after.work, after.answer, after.looked_up) == (
        LoyaltyWork.CALCULATE,
        FOUND,
        TODAY.toordinal(),
    )


def test_with_alpine_iq_down_the_last_answer_stands_where_nothing_changed() -> None:
    # When
    before = entry(LoyaltyWork.ASK, days_ago=7)
    after = before.answered(DOWN, TODAY)
    # Then it stands, and has its turn next
    assert (after.work, after.answer) == (LoyaltyWork.CALCULATE, FOUND)
    assert after.looked_up == before.looked_up


def test_with_alpine_iq_down_somebody_never_answered_says_that_it_is_down() -> None:
    after = LoyaltyEntry(work=LoyaltyWork.ASK).answered(DOWN, TODAY)
    assert (after.work, after.answer, after.looked_up) == (LoyaltyWork.CALCULATE, DOWN, 0)


def test_with_alpine_iq_down_what_changed_is_calculated_without_it() -> None:
    after = entry(LoyaltyWork.LOOK_UP).answered(DOWN, TODAY)
    assert (after.work, after.answer, after.looked_up) == (LoyaltyWork.CALCULATE, DOWN, 0)


def test_without_an_account_no_answer_stands() -> None:
    after = entry(LoyaltyWork.ASK).answered(NEVER_ASKED, TODAY)
    assert (after.answer, after.looked_up) == (NEVER_ASKED, 0)


def test_who_only_was_to_be_asked_about_is_left_alone_when_no_call_is_left() -> None:
    before = entry()
    assert before.asked_for(LoyaltyWork.ASK).postponed() == before


def test_what_changed_is_calculated_with_the_last_answer_when_no_call_is_left() -> None:
    before = entry()
    after = before.asked_for(LoyaltyWork.LOOK_UP).postponed()
    assert after == before.asked_for(LoyaltyWork.CALCULATE)


def test_somebody_new_for_whom_no_call_is_left_says_so() -> None:
    after = LoyaltyEntry(work=LoyaltyWork.LOOK_UP).postponed()
    assert (after.work, after.answer.status) == (LoyaltyWork.CALCULATE, ProviderStatus.NOT_ASKED)
    assert not after.is_known


def test_an_answer_of_another_account_does_not_stand() -> None:
    after = entry().of_other_account().asked_for(LoyaltyWork.LOOK_UP).postponed()
    assert (after.answer.status, after.looked_up) == (ProviderStatus.NOT_ASKED, 0)


@pytest.mark.parametrize("before", [*Review])
def test_a_difference_is_told_once_until_the_figures_have_agreed(before: Review) -> None:
    # Given
    known = entry(review=before)
    # When the figures differ, Alpine IQ is down, or they agree
    differ = calculated(known, 300, FOUND)
    down = calculated(known, 300, DOWN)
    later = calculated(known, 300, ProviderAnswer(ProviderStatus.NOT_ASKED))
    agree = calculated(known, 500, FOUND)
    # Then
    assert differ.review is (before or Review.NEW)
    assert down.review is later.review is before
    assert agree.review is Review.NO
    assert calculated(agree, 300, FOUND).review is Review.NEW
    assert calculated(differ.reported(), 200, FOUND).review is Review.REPORTED


@given(st.lists(st.sampled_from([LoyaltyWork(number) for number in range(4)]), max_size=5))
def test_work_that_is_asked_for_never_shrinks_until_it_is_done(asked: list[LoyaltyWork]) -> None:
    known = entry()
    for work in asked:
        known = known.asked_for(work)
        assert known.work & work == work
    assert calculated(known, 500, FOUND).work == LoyaltyWork.NONE
