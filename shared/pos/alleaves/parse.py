"""Reading what Alleaves sends: lists in all their shapes, single rows and values."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.domain.money import to_cents
from shared.pos.alleaves.schemas import Row
from shared.pos.port import RAW_LIMIT, Rejected

SOURCE = "alleaves"
"""Names the provider in what is stored."""
_MILLISECONDS_FROM = 100_000_000_000
"""Unix times from here on (the year 5138 in seconds) are meant in milliseconds."""
_ABSURD_QUANTITY = Decimal(1_000_000_000)
_SMALLEST_EXPONENT = -400
"""Below that of any double: such a number fills pages when it is written out."""
_LARGEST_INTEGER = 2**63
_MOST_DIGITS = 18
_LISTS = (
    *("customers", "orders", "products", "inventory", "data"),
    *("discounts", "brands", "categories", "vendors", "locations", "areas"),
)
_TOTAL_OF_LIST = "total_rows"
_TOTALS = ("total", _TOTAL_OF_LIST)

W = TypeVar("W", bound=Row)


def moment(value: object, zone: ZoneInfo) -> datetime | None:
    """An ISO time in UTC; one without a zone is the location's local time. None if unreadable.

    A local time that occurs twice (clocks set back) is the first of the two.
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
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not read.is_finite() or abs(read) >= _ABSURD_QUANTITY:
        return None
    return read if int(read.as_tuple().exponent) > _SMALLEST_EXPONENT else None


def cents(value: object) -> int | None:
    """Cents of an amount in dollars. None where none is given or it cannot be read."""
    try:
        return to_cents(value)
    except ValueError:
        return None


def is_storable(value: str | float) -> bool:
    """Whether Firestore can store it: text must be valid Unicode, an integer have 64 bits."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value)
    return isinstance(value, float) or -_LARGEST_INTEGER <= value < _LARGEST_INTEGER


def percent(value: object) -> Decimal | None:
    """A percentage between 0 and 100, both included; None for anything else."""
    read = number(value)
    return read if read is not None and 0 <= read <= 100 else None


def read_row(model: type[W], row: object, record_id: Callable[[str], str] = str) -> W | Rejected:
    """The row as its wire model, or Rejected as ``not_an_object``, ``missing_id`` (none, or not
    usable as one) or ``bad_text`` (too long, or no valid Unicode). ``record_id`` makes the record's
    id of the row's."""
    if not isinstance(row, dict):
        return reject(row, None, "not_an_object", "The record is not a JSON object.")
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"].startswith("string_"):
        found = model.id_in(row)
        where = found and record_id(found)
        return reject(row, where, "bad_text", "The record holds text that cannot be stored.")
    return reject(row, None, "missing_id", "The record has no usable id.")


def reject(row: object, record_id: str | None, code: str, message: str) -> Rejected:
    """A rejection, with the record's JSON for replay: without the total of its list, which changes
    with every list."""
    own = {k: v for k, v in row.items() if k != _TOTAL_OF_LIST} if isinstance(row, dict) else row
    return Rejected(record_id, code, message, json.dumps(own, separators=(",", ":"))[:RAW_LIMIT])


def rows_and_total(reply: object) -> tuple[Sequence[object], int | None]:
    """The rows of a reply, and the total announced beside them or in every row, if there is one.

    Known shapes: an array, an object whose keys are numbers as text, and one of these under a name
    (``customers``, ``orders`` and ``data`` were seen). Raises ValueError for any other.
    """
    match reply:
        case list():
            return reply, _total_of_rows(reply)
        case dict():
            rows, inner_total = _rows_of_object(reply)
            return rows, _first_count((*map(reply.get, _TOTALS), inner_total))
        case _:
            raise ValueError("not a list of rows")


def _rows_of_object(reply: dict[str, object]) -> tuple[Sequence[object], int | None]:
    for name in _LISTS:
        if isinstance(reply.get(name), list | dict):
            return rows_and_total(reply[name])
    numbered = sorted((key for key in reply if key.isdecimal()), key=int)
    if not numbered and not reply.keys() <= set(_TOTALS):
        raise ValueError("not a list of rows")
    rows = [reply[key] for key in numbered]
    return rows, _total_of_rows(rows)


def _total_of_rows(rows: Sequence[object]) -> int | None:
    """What most of the rows say: one of them may be wrong."""
    said = (_count(row.get(_TOTAL_OF_LIST)) for row in rows if isinstance(row, dict))
    ranked = Counter(total for total in said if total is not None).most_common(1)
    return ranked[0][0] if ranked else None


def _first_count(values: Iterable[object]) -> int | None:
    return next((count for each in values if (count := _count(each)) is not None), None)


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= _MOST_DIGITS:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None
