"""Reading a collection page by page. A cursor names the last document shown, not a number of them:
whatever is written meanwhile, nothing is shown twice or left out because of it."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core.datetime_helpers import DatetimeWithNanoseconds

from shared.errors import RequestInvalid
from shared.store.database import Database, Document, Filter

NAME = "__name__"
_TIMESTAMP: Any = DatetimeWithNanoseconds  # what Firestore's moments come as
MOST_READ = 500
"""Documents read for one page: one of which few are shown may be shorter than asked."""


@dataclass(frozen=True, slots=True)
class QueryRange:
    """One query of a listing. ``field`` is what it is sorted by (then by id, the same way round);
    NAME is the id alone. Documents without that field are not in it, nor are those that an earlier
    stretch has shown: ``but`` is a field, and what it must not begin with."""

    filters: tuple[Filter, ...] = ()
    field: str = NAME
    descending: bool = False
    but: tuple[str, str] | None = None

    def has(self, document: Document) -> bool:
        if self.but is None:
            return True
        name, beginning = self.but
        return not str(document.fields.get(name, "")).startswith(beginning)

    @property
    def order(self) -> list[tuple[str, str]]:
        direction = "DESCENDING" if self.descending else "ASCENDING"
        return [(name, direction) for name in dict.fromkeys((self.field, NAME))]

    def place(self, document: Document) -> dict[str, Any]:
        """Where the document stands in the stretch."""
        place = {} if self.field == NAME else {self.field: document.fields[self.field]}
        return {**place, NAME: document.id}


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Some documents, and the cursor of the next page; None where this is the last."""

    documents: Sequence[Document]
    cursor: str | None


def page(
    database: Database,
    collection: str,
    stretches: Sequence[QueryRange],
    *,
    limit: int,
    cursor: str | None,
    select: Sequence[str] | None = None,
    shows: Callable[[Document], bool] = lambda _: True,
) -> DocumentPage:
    """The documents of the stretches, one after the other, that ``shows`` lets through. ``select``
    are the fields to read, those among them by which a stretch is sorted.

    Raises RequestInvalid for a cursor that is not of this listing.
    """
    index, after = _read(cursor, collection, stretches)
    found: list[Document] = []
    read = 0
    place = cursor
    while index < len(stretches):
        stretch = stretches[index]
        batch = list(
            database.query(
                collection,
                *stretch.filters,
                select=select,
                order_by=stretch.order,
                limit=limit + 1,
                after=after,
            )
        )
        for document in batch:
            if len(found) == limit:
                return DocumentPage(found, place)
            if stretch.has(document) and shows(document):
                found.append(document)
            after = stretch.place(document)
            place = _written(index, after, collection, stretches)
        read += len(batch)
        if len(batch) <= limit:
            index, after = index + 1, None
        elif read >= MOST_READ:
            return DocumentPage(found, place)
    return DocumentPage(found, None)


def _written(
    index: int, place: dict[str, Any], collection: str, stretches: Sequence[QueryRange]
) -> str:
    values = [
        {"at": value.rfc3339()} if isinstance(value, _TIMESTAMP) else value
        for value in place.values()
    ]
    text = json.dumps([_mark(collection, stretches), index, values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(
    cursor: str | None, collection: str, stretches: Sequence[QueryRange]
) -> tuple[int, dict[str, Any] | None]:
    if cursor is None:
        return 0, None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, index, values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        names = [name for name, _ in stretches[index].order]
        after = dict(zip(names, map(_value, values), strict=True))
    except (ValueError, TypeError, LookupError):
        raise RequestInvalid("cursor: not a cursor") from None
    if mark != _mark(collection, stretches):
        raise RequestInvalid("cursor: not one of this listing")
    return index, after


def _value(written: Any) -> Any:
    if isinstance(written, dict):
        return _TIMESTAMP.from_rfc3339(written["at"])
    if not isinstance(written, str | int | float):
        raise TypeError("not a value of a cursor")
    return written


def _mark(collection: str, stretches: Sequence[QueryRange]) -> str:
    """Tells listings apart."""
    told = repr((collection, [(s.filters, s.field, s.descending) for s in stretches]))
    return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
