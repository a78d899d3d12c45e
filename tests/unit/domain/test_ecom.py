"""By what eCom orders are matched, how old they are, and which of their numbers are missing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ecom import age_of, gaps, is_number, match_keys, why_unmatched
from shared.domain.order_matching import SkipReason

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("email", "phone", "keys", "why"),
    [
        (
            "ada@example.com",
            "(518) 555-0123",
            ["ada@example.com", "+15185550123"],
            SkipReason.UNKNOWN_EMAIL,
        ),
        ("ada@example.com", None, ["ada@example.com"], SkipReason.UNKNOWN_EMAIL),
        (None, "518-555-0123", ["+15185550123"], SkipReason.UNKNOWN_PHONE),
        ("no-email@lightspeed.local", "000-000-0000", [], SkipReason.NO_BUYER),
        ("", "", [], SkipReason.NO_BUYER),
    ],
)
def test_an_order_is_matched_by_what_identifies_somebody(
    email: str | None, phone: str | None, keys: list[str], why: SkipReason
) -> None:
    assert match_keys(email, phone) == keys
    assert why_unmatched(email, keys) is why


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-1, "0-7"),
        (0, "0-7"),
        (7, "0-7"),
        (7.1, "8-30"),
        (30, "8-30"),
        (90, "31-90"),
        (91, "over 90"),
    ],
)
def test_ages_are_counted_in_ranges(days: float, age: str) -> None:
    assert age_of(NOW - timedelta(days=days), NOW) == age


@given(st.sets(st.integers(0, 60)))
def test_what_is_between_the_first_and_the_last_is_there_or_missing(numbers: set[int]) -> None:
    missing = {n for start, end in gaps(sorted(numbers)) for n in range(start, end + 1)}
    assert not missing & numbers
    if numbers:
        assert missing | numbers == set(range(min(numbers), max(numbers) + 1))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("1", True), ("007", True), ("9" * 12, True), ("9" * 13, False), ("", False), ("-1", False)],
)
def test_numbers_are_digits(text: str, is_one: bool) -> None:
    assert is_number(text) is is_one
