"""What all mappers share: reading single values, and rows as records or as Rejected."""

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.domain.money import to_cents
from shared.pos.alleaves.schemas import Row
from shared.pos.port import Rejected

SOURCE = "alleaves"
"""Names the provider in what is stored."""
_MILLISECONDS_FROM = 100_000_000_000
"""Unix times from here on (the year 5138 in seconds) are meant in milliseconds."""
_ABSURD_QUANTITY = Decimal(1_000_000_000)

W = TypeVar("W", bound=Row)


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


def unix_moment(value: float) -> datetime:
    """A Unix time in UTC. Raises ValueError, OverflowError or OSError beyond the calendar."""
    return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)


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


def read_row(model: type[W], row: object) -> W | Rejected:
    """The row as its wire model, or why it is none.

    Codes: ``not_an_object``, ``missing_id`` (none, or not usable as one), ``bad_text`` (too long,
    or no valid Unicode).
    """
    if not isinstance(row, dict):
        return reject(row, None, "not_an_object", "The record is not a JSON object.")
    try:
        return model.model_validate(row)
    except ValidationError as error:
        kind = error.errors(include_url=False, include_context=False, include_input=False)[0][
            "type"
        ]
    if kind.startswith("string_"):
        return reject(row, None, "bad_text", "The record holds text that cannot be stored.")
    return reject(row, None, "missing_id", "The record has no usable id.")


def reject(row: object, record_id: str | None, code: str, message: str) -> Rejected:
    """A rejection, with the record's JSON for replay."""
    return Rejected(record_id, code, message, json.dumps(row, separators=(",", ":")))
