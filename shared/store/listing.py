"""Reading a collection page by page. A cursor names the last document shown, not a number of them:
whatever is written meanwhile, no document is shown twice or left out because of it."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from pydantic import ConfigDict, Field, NonNegativeInt, TypeAdapter

from shared.domain.ids import is_document_id
from shared.errors import RequestInvalid
from shared.store.database import Database, Document, Filter

NAME = "__name__"
MOST_READ = 500
"""Documents read for one page: where few of them are shown, the page may be shorter than asked."""

T = TypeVar("T")
Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # as Firestore has them
Value = str | Integer | float | dict[Literal["at"], str]
_TIMESTAMP: Any = DatetimeWithNanoseconds  # the type of Firestore's timestamps
_POSITION: TypeAdapter[tuple[str, int, list[Value]]] = TypeAdapter(
    tuple[str, NonNegativeInt, list[Value]], config=ConfigDict(strict=True)
)


def encode_cursor(value: object) -> str:
    """A JSON value as text that fits into a URL."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, form: TypeAdapter[T]) -> T:
    """The value in a cursor. Raises RequestInvalid for one of another form."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return form.validate_json(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        raise RequestInvalid("cursor: not one that this service gave") from None


@dataclass(frozen=True, slots=True)
class QueryRange:
    """One query of a listing, sorted by ``field``, then by id, in the same direction; NAME is the
    id alone. Documents without the field are not in it. ``without`` is a field and a prefix: what
    begins with it was in an earlier range, as was what has the field ``lacking``."""

    filters: tuple[Filter, ...] = ()
    field: str = NAME
    descending: bool = False
    without: tuple[str, str] | None = None
    lacking: str | None = None

    def has(self, document: Document) -> bool:
        if self.lacking is not None and self.lacking in document.fields:
            return False
        if self.without is None:
            return True
        name, prefix = self.without
        return not str(document.fields.get(name, "")).startswith(prefix)

    @property
    def order(self) -> list[tuple[str, str]]:
        direction = "DESCENDING" if self.descending else "ASCENDING"
        return [(name, direction) for name in dict.fromkeys((self.field, NAME))]

    def position(self, document: Document, *, everywhere: bool = False) -> dict[str, Any]:
        """The document's values of ``order``."""
        position = {} if self.field == NAME else {self.field: document.fields[self.field]}
        return {**position, NAME: document.path if everywhere else document.id}


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Some documents, and the cursor of the next page; None where this is the last."""

    documents: Sequence[Document]
    cursor: str | None


def page(
    database: Database,
    collection: str,
    ranges: Sequence[QueryRange],
    *,
    limit: int,
    cursor: str | None,
    select: Sequence[str] | None = None,
    shows: Callable[[Document], bool] = lambda _: True,
    everywhere: bool = False,
) -> DocumentPage:
    """The documents of the ranges, one range after the other, for which ``shows`` is true.
    ``select`` are the fields to read; a range's own field must be among them. ``everywhere``: of
    the collection group of that name.

    Raises RequestInvalid for a cursor that is not of this listing.
    """
    listing = _digest(collection, ranges)
    is_name = partial(_is_path, collection) if everywhere else _is_id
    index, after = _decoded(cursor, listing, ranges, is_name) if cursor else (0, None)
    found: list[Document] = []
    read = 0
    while index < len(ranges):
        current = ranges[index]
        batch = list(
            database.query(
                collection,
                *current.filters,
                select=select,
                order_by=current.order,
                limit=limit + 1,
                after=after,
                everywhere=everywhere,
            )
        )
        for document in batch:
            if len(found) == limit:
                return DocumentPage(found, cursor)
            if current.has(document) and shows(document):
                found.append(document)
            after = current.position(document, everywhere=everywhere)
            cursor = encode_cursor([listing, index, list(map(_encoded, after.values()))])
        read += len(batch)
        if len(batch) <= limit:
            index, after = index + 1, None
        elif read >= MOST_READ:
            return DocumentPage(found, cursor)
    return DocumentPage(found, None)


def _decoded(
    cursor: str, listing: str, ranges: Sequence[QueryRange], is_name: Callable[[object], bool]
) -> tuple[int, dict[str, Any]]:
    """Which range to continue, and after which values of its order."""
    its_listing, index, values = decode_cursor(cursor, _POSITION)
    try:
        names = [name for name, _ in ranges[index].order]
        after = dict(zip(names, map(_value, values), strict=True))
    except (ValueError, LookupError):
        raise RequestInvalid("cursor: not one of this listing") from None
    if its_listing != listing or not is_name(after[NAME]):
        raise RequestInvalid("cursor: not one of this listing")
    return index, after


def _is_id(value: object) -> bool:
    return isinstance(value, str) and is_document_id(value)


def _is_path(group: str, value: object) -> bool:
    """Whether it is the path of a document of the collection group."""
    parts = value.split("/") if isinstance(value, str) else []
    named = len(parts) % 2 == 0 and parts[-2:-1] == [group]
    return named and all(map(is_document_id, parts))


def _encoded(value: Any) -> Value:
    return {"at": value.rfc3339()} if isinstance(value, _TIMESTAMP) else value


def _value(encoded: Value) -> Any:
    return _TIMESTAMP.from_rfc3339(encoded["at"]) if isinstance(encoded, dict) else encoded


def _digest(collection: str, ranges: Sequence[QueryRange]) -> str:
    """Identifies a listing."""
    text = repr((collection, [(each.filters, each.field, each.descending) for each in ranges]))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
