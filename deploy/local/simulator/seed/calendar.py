"""Days and times as the simulated POS writes them, counted back from a fixed day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

YOUNGEST_AGE = 2
OLDEST_AGE = 720

_NEAR_A_SEGMENT_LINE = frozenset([*range(43, 50), *range(57, 64), *range(87, 95)])
"""Ages in days near 45, 60 and 90: kept free, so that the hour of a run moves no segment."""

CLEAR_AGES = tuple(
    age for age in range(YOUNGEST_AGE, OLDEST_AGE + 1) if age not in _NEAR_A_SEGMENT_LINE
)


def utc_text(moment: datetime) -> str:
    """An aware time as the POS writes one in UTC: ``2025-03-01T20:15:00.250Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_text(moment: datetime) -> str:
    """A time as the POS writes one without a zone: ``2024-12-17T23:45:20.910``."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class Calendar:
    """A shop's days: ``today`` is the fixed day, ``zone`` the shop's own."""

    today: date
    zone: ZoneInfo

    def day(self, age_days: int) -> date:
        """The day so many days before today (after it, where negative)."""
        return self.today - timedelta(days=age_days)

    def opening_hours(self, age_days: int, rng: Random) -> datetime:
        """An aware local time between 10:00 and 21:00 of that day: never a doubled hour."""
        at = time(
            rng.randrange(10, 21), rng.randrange(60), rng.randrange(60), rng.randrange(1000) * 1000
        )
        return datetime.combine(self.day(age_days), at, tzinfo=self.zone)
