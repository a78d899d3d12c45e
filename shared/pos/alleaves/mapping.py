"""What all mappers share: a row becomes a record, or a Rejected that says why it could not."""

import json
from typing import TypeVar

from pydantic import ValidationError

from shared.pos.alleaves.wire import Row
from shared.pos.base import Page, Rejected
from shared.pos.paging import Listed

W = TypeVar("W", bound=Row)
R = TypeVar("R")


def read_row(model: type[W], row: object) -> W | Rejected:
    """The row as its wire model, or why it is none.

    Codes: ``not_an_object``, ``missing_id`` (none, or not usable as one), ``bad_text`` (too long,
    or no valid Unicode).
    """
    if not isinstance(row, dict):
        return rejected(row, None, "not_an_object", "The record is not a JSON object.")
    try:
        return model.model_validate(row)
    except ValidationError as error:
        kind = error.errors(include_url=False, include_context=False, include_input=False)[0][
            "type"
        ]
    if kind.startswith("string_"):
        return rejected(row, None, "bad_text", "The record holds text that cannot be stored.")
    return rejected(row, None, "missing_id", "The record has no usable id.")


def rejected(row: object, record_id: str | None, code: str, message: str) -> Rejected:
    """A rejection, with the record's JSON for replay."""
    return Rejected(record_id, code, message, json.dumps(row, separators=(",", ":")))


def page_of(listed: Listed[R | Rejected]) -> Page[R]:
    """The page of the port: records apart from what could not be one."""
    return Page(
        number=listed.number,
        records=tuple(entry for entry in listed.entries if not isinstance(entry, Rejected)),
        rejected=tuple(entry for entry in listed.entries if isinstance(entry, Rejected)),
        rows=listed.rows,
        total=listed.total,
        requests=listed.requests,
        last=listed.last,
    )
