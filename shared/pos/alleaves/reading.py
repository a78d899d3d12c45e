"""Reading single values of a row: times, days, amounts and counts, as Alleaves writes them."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from shared.domain.money import to_cents

_ABSURD_QUANTITY = Decimal(1_000_000_000)


def moment(value: object, zone: ZoneInfo) -> datetime | None:
    """An ISO time in UTC; one without a zone is the location's own local time. None if unreadable.

    A local time that occurs twice (clocks set back) is the first of the two; one that does not
    occur (clocks set forward) is as much later as the clocks were moved.
    """
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip())
        return read.replace(tzinfo=read.tzinfo or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day(value: str | None) -> str | None:
    """The ISO date that a date or time begins with. None if unreadable."""
    try:
        return date.fromisoformat((value or "")[:10]).isoformat()
    except ValueError:
        return None


def number(value: object) -> Decimal | None:
    """A count or a share, from a number or its text. None if it is no finite, believable one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return read if read.is_finite() and abs(read) < _ABSURD_QUANTITY else None


def cents(value: object) -> int | None:
    """Cents of an amount in dollars. None where none is given or it cannot be read."""
    try:
        return to_cents(value)
    except ValueError:
        return None


def percent(value: object) -> Decimal | None:
    """A percentage between 0 and 100, both included; None for anything else."""
    read = number(value)
    return read if read is not None and 0 <= read <= 100 else None
