"""What a Retry-After header asks for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outbound.failures import retry_after_seconds

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("Wed, 18 Mar 2026 12:00:45 GMT", 45.0),
        ("Wed, 18 Mar 2026 12:00:45 -0000", 45.0),
        ("Wed, 18 Mar 2026 08:01:00 -0400", 60.0),
    ],
)
def test_seconds_and_dates_are_both_understood(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@pytest.mark.parametrize("header", [None, "", "  ", "soon", "nan", "Wed, 99 Foo 2026 12:00:45 GMT"])
def test_what_cannot_be_read_asks_for_nothing(header: str | None) -> None:
    assert retry_after_seconds(header, NOW) is None


@pytest.mark.parametrize("header", ["-5", "Wed, 18 Mar 2026 11:00:00 GMT"])
def test_a_time_gone_by_asks_for_no_wait(header: str) -> None:
    assert retry_after_seconds(header, NOW) == 0.0


@pytest.mark.parametrize("header", ["999999999999", "inf", "Wed, 18 Mar 2099 12:00:00 GMT"])
def test_no_wait_is_longer_than_a_day(header: str) -> None:
    assert retry_after_seconds(header, NOW) == 86_400.0


@given(st.text(max_size=60))
def test_no_text_breaks_it(header: str) -> None:
    seconds = retry_after_seconds(header, NOW)

    assert seconds is None or 0.0 <= seconds <= 86_400.0


@given(st.integers(min_value=0, max_value=86_400))
def test_a_date_means_the_seconds_until_then(seconds: int) -> None:
    header = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert retry_after_seconds(header, NOW) == float(seconds)
