"""Single values, as Alleaves writes them."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pos.rows import cents, day, moment, number, percent

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T18:30:00Z", datetime(2026, 1, 15, 18, 30, tzinfo=UTC)),
        ("2026-01-15T18:30:00-08:00", datetime(2026, 1, 16, 2, 30, tzinfo=UTC)),
        ("2026-01-15T18:30:00.910", datetime(2026, 1, 15, 23, 30, 0, 910_000, tzinfo=UTC)),
        ("2026-07-15 18:30:00", datetime(2026, 7, 15, 22, 30, tzinfo=UTC)),
        ("2026-01-15", datetime(2026, 1, 15, 5, 0, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_the_locations_own(text: str, expected: datetime) -> None:
    assert moment(text, NEW_YORK) == expected


def test_an_hour_that_occurs_twice_is_the_first_of_the_two() -> None:
    assert moment("2026-11-01T01:30:00", NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_an_hour_that_does_not_occur_is_as_much_later_as_the_clocks_were_moved() -> None:
    assert moment("2026-03-08T02:30:00", NEW_YORK) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [None, "", "soon", "15/01/2026", 1_768_500_000, True, {}, "0001-01-01T00:00:00+14:00"]
)
def test_an_unreadable_time_is_none(value: object) -> None:
    assert moment(value, NEW_YORK) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1994-06-06", "1994-06-06"),
        ("1994-06-06T00:00:00.000Z", "1994-06-06"),
        ("06/06/1994", None),
        ("1994-13-01", None),
        ("", None),
        (None, None),
    ],
)
def test_a_day_is_the_date_that_the_text_begins_with(
    text: str | None, expected: str | None
) -> None:
    assert day(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12, Decimal(12)),
        ("12.5 ", Decimal("12.5")),
        (0.1, Decimal("0.1")),
        (-3, Decimal(-3)),
        (True, None),
        ("", None),
        ("many", None),
        (float("nan"), None),
        ("Infinity", None),
        (1e30, None),
        ([], None),
    ],
)
def test_a_number_may_be_text_but_must_be_believable(
    value: object, expected: Decimal | None
) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), ("45.20", 4520), (39.555, 3956), (None, None), ("free", None)]
)
def test_dollars_become_cents(value: object, expected: int | None) -> None:
    assert cents(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, Decimal(0)), ("70.00000000", Decimal(70)), (100, Decimal(100)), (100.1, None), (-1, None)],
)
def test_a_percentage_is_between_0_and_100(value: object, expected: Decimal | None) -> None:
    assert percent(value) == expected


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_every_local_time_has_one_moment(local: datetime) -> None:
    found = moment(local.isoformat(), NEW_YORK)

    assert found is not None
    assert found == local.replace(tzinfo=NEW_YORK, fold=0).astimezone(UTC)
