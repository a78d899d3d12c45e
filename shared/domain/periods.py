"""Periods of whole days by the calendar of a place, and their weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKS = 13
"""Of the period that nobody has named, the present week included."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``first`` to ``last``, both included, by the calendar of ``zone``."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """The first moment, in UTC."""
        return day_start(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The first moment after it, in UTC."""
        return day_start(self.last + _DAY, self.zone)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def weeks(self) -> Sequence["Period"]:
        """Its weeks, Monday to Sunday; the first and the last may be shorter."""
        found: list[Period] = []
        first = self.first
        while first <= self.last:
            sunday = first + (6 - first.weekday()) * _DAY
            found.append(Period(first, min(sunday, self.last), self.zone))
            first = sunday + _DAY
        return found


def latest_weeks(today: date, zone: ZoneInfo) -> Period:
    """The last WEEKS weeks, up to today."""
    return Period(today - today.weekday() * _DAY - (WEEKS - 1) * 7 * _DAY, today, zone)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day by the calendar of a place, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)
