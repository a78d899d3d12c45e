"""Reading rows as a POS sends them, tolerantly: numbers as text, ids of any type, single values.

A null counts as absent. Amounts and times stay as sent in a row: the mappers decide about
unreadable ones.
"""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from shared.domain.customers import LONGEST_EMAIL
from shared.domain.ids import is_document_id
from shared.domain.money import to_cents
from shared.pos.port import RAW_LIMIT, Rejected

_LONGEST_TEXT = 2_000
"""Characters of any name, address or date. Some are kept by the thousand in one document."""
_MILLISECONDS_FROM = 100_000_000_000
"""Unix times from here on (the year 5138 in seconds) are meant in milliseconds."""
_ABSURD_QUANTITY = Decimal(1_000_000_000)
_SMALLEST_EXPONENT = -400
"""Below that of any double: such a number fills pages when it is written out."""
_LARGEST_INTEGER = 2**63
TOTAL_OF_LIST = "total_rows"
"""The total of a list that is repeated in each of its rows: it changes with every list."""


def _text(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None if isinstance(value, float) and not math.isfinite(value) else str(value)
    return value.strip() or None if isinstance(value, str) else None


def _id(value: object) -> object:
    text = _text(value)
    if not isinstance(text, str) or not is_document_id(text):
        raise ValueError("not an id")
    return text


def _id_or_none(value: object) -> object:
    text = _text(value)
    return text if isinstance(text, str) and is_document_id(text) else None


def _email(value: object) -> object:
    text = _text(value)
    return text if isinstance(text, str) and len(text) <= LONGEST_EMAIL else None


def _flag(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes", "y"}
    return bool(value)


def _tuple(value: object) -> object:
    if isinstance(value, dict):
        return tuple(value.values())
    return tuple(value) if isinstance(value, list) else ()


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


Id = Annotated[str, BeforeValidator(_id)]
OptionalId = Annotated[str | None, BeforeValidator(_id_or_none)]
"""None where it is no usable id: nothing that is stored can have it."""
Text = Annotated[str | None, BeforeValidator(_text)]
Email = Annotated[str | None, BeforeValidator(_email)]
"""None where it is longer than any address may be."""
Flag = Annotated[bool, BeforeValidator(_flag)]
Rows = Annotated[tuple[object, ...], BeforeValidator(_tuple)]
Object = Annotated[dict[str, object], BeforeValidator(_object)]


def sent_as(*names: str, default: Any = None) -> Any:
    """A field under the first of these names that is sent; ``...`` for one that must be."""
    return Field(default, validation_alias=AliasChoices(*names))


class Row(BaseModel):
    """What all rows share."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_max_length=_LONGEST_TEXT)

    @classmethod
    def id_in(cls, row: dict[object, object]) -> str | None:
        """The id in a row that cannot be read whole: the field that is required, if one is."""
        required = (
            each.validation_alias for each in cls.model_fields.values() if each.is_required()
        )
        names = next((each.choices for each in required if isinstance(each, AliasChoices)), [])
        sent = (row[name] for name in names if row.get(name) is not None)
        found = _id_or_none(next(sent, None))
        return found if isinstance(found, str) else None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, row: object) -> object:
        if isinstance(row, dict):
            return {key: value for key, value in row.items() if value is not None}
        return row


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
    own = {k: v for k, v in row.items() if k != TOTAL_OF_LIST} if isinstance(row, dict) else row
    return Rejected(record_id, code, message, json.dumps(own, separators=(",", ":"))[:RAW_LIMIT])
