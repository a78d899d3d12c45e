"""How values are written."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.console import formats
from shared.console.error_pages import local_path

NOW = datetime(2026, 11, 22, 20, 41, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "$1,234.50"),
        (-5, "-$5.00"),
        (0, "$0.00"),
        (0.005, "$0.01"),
        (-0.001, "$0.00"),
        (None, "—"),
    ],
)
def test_money_has_cents_and_thousands(value: float | None, text: str) -> None:
    assert formats.dollars(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345, "12,345"), (2.0, "2"), (2.5, "2.5"), (1000.0, "1,000"), (0.0, "0"), (None, "—")],
)
def test_a_count_has_thousands_and_no_needless_decimals(value: float | None, text: str) -> None:
    assert formats.count(value) == text


def test_a_share_is_a_percentage() -> None:
    assert formats.percent(0.1234) == "12.3%"
    assert formats.percent(1, 0) == "100%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (3.0, "3 s"),
        (12.4, "12 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (12_000, "3 h 20 min"),
        (3_600, "1 h"),
        (180_000, "2 days 2 h"),
        (None, "—"),
    ],
)
def test_a_duration_is_in_the_units_people_use(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("America/New_York", "Nov 22, 2026, 3:41 PM EST"),
        ("America/Los_Angeles", "Nov 22, 2026, 12:41 PM PST"),
        ("UTC", "Nov 22, 2026, 8:41 PM UTC"),
    ],
)
def test_a_moment_is_in_the_zone_of_the_org(zone: str, text: str) -> None:
    assert formats.moment_text(NOW, ZoneInfo(zone)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the record has no id", "The record has no id"),
        ("price_otd: no number", "price_otd: no number"),
        ("sync.lookbackDays: at least 1", "sync.lookbackDays: at least 1"),
        (None, ""),
    ],
)
def test_a_message_begins_with_a_capital_but_a_field_stays_as_it_is_spelled(
    text: str | None, shown: str
) -> None:
    assert formats.sentence(text) == shown


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=3, seconds=59), "3 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(days=2, hours=5), "2 days ago"),
        (timedelta(hours=-2), "in 2 hours"),
        (timedelta(seconds=-3), "just now"),
    ],
)
def test_how_long_ago_is_in_words(before: timedelta, text: str) -> None:
    assert formats.ago_text(NOW - before, NOW) == text


def test_a_day_is_written_out() -> None:
    assert formats.day_text(date(2026, 3, 4)) == "Mar 4, 2026"


def test_an_identifier_is_read_as_words() -> None:
    assert formats.words("in_store") == "In store"
    assert formats.words(None) == "—"


@pytest.mark.parametrize(
    "asked",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        None,
        "/a\r\nSet-Cookie: x",
        "\\\\evil.example",
        "/\t/evil.example",
    ],
)
def test_a_sign_in_leads_to_no_other_host(asked: str | None) -> None:
    assert local_path(asked) == "/"


def test_a_sign_in_leads_back_to_where_somebody_was() -> None:
    assert local_path("/orgs/org_birch/customers?q=a%26b") == "/orgs/org_birch/customers?q=a%26b"
