"""One declaration per kind of document, from which follow the fields that a sync owns (its update
mask), those that are fingerprinted, those that are never cleared, and those that are public."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic.alias_generators import to_snake

from shared.domain.customer_ranges import CustomerRange
from shared.store.database import Filter
from shared.store.writes import Fields, Put

R = TypeVar("R")

Types = tuple[type, ...]
TEXT: Types = (str,)
NUMBER: Types = (int, float)
FLAG: Types = (bool,)
MOMENT: Types = (datetime,)

EARLIEST = datetime.fromtimestamp(0, UTC)
"""To ask for documents that have a field of moments: Firestore cannot ask for it otherwise."""


class Field(NamedTuple, Generic[R]):
    """A field made of a record; ``public`` are its types where the public may see it."""

    name: str
    of: Callable[[R], Any]
    public: Types = ()


def copied(*names: str, public: Types = ()) -> list[Field[Any]]:
    """Fields that are the record's attributes of the same names, in snake case."""
    return [Field(name, attrgetter(to_snake(name)), public) for name in names]


class StoredVersion(NamedTuple):
    """When the POS had last changed a record as it is stored, and when that was written."""

    changed_at: datetime
    written_at: datetime


class Schema(Generic[R]):
    """The fields that a sync writes on a kind of document. Fields of other writers survive.

    ``made`` of a record and ``given`` beside it are compared by fingerprint with what was last
    written; ``stamps``, as the moment of writing, go along with a write. Without a value a field
    is left out, and thereby removed; one of ``nulls`` is stored as null, one of ``once`` keeps
    the value that it has.
    """

    def __init__(
        self,
        *made: Field[R],
        given: tuple[str, ...] = (),
        stamps: tuple[str, ...] = (),
        nulls: tuple[str, ...] = (),
        once: tuple[str, ...] = (),
    ) -> None:
        self.compared = (*(field.name for field in made), *given)
        self.once = once
        self.owned = tuple(n for n in (*self.compared, *stamps) if n not in once)
        self.public: Mapping[str, Types] = {f.name: f.public for f in made if f.public}
        self._made = made
        self._given = frozenset(given)
        self._nulls = frozenset(nulls)

    def fields(self, record: R, **given: object) -> dict[str, Any]:
        """The fields to be fingerprinted. Raises TypeError for a given one not declared."""
        if not given.keys() <= self._given:
            raise TypeError(f"not declared: {sorted(given.keys() - self._given)}")
        found = {
            name: value
            for name, of, _ in self._made
            if (value := of(record)) is not None or name in self._nulls
        }
        found.update((name, value) for name, value in given.items() if value is not None)
        return found

    def put(self, path: str, fields: Fields, *, kept: tuple[str, ...] = ()) -> Put:
        """The write for a document; the fields ``kept`` stay as they are stored. Raises ValueError
        for a field not declared."""
        once = tuple(name for name in self.once if name in fields)
        if not kept:
            return Put(path, fields, owned=self.owned + once)
        written = {name: value for name, value in fields.items() if name not in kept}
        owned = tuple(name for name in self.owned + once if name not in kept)
        return Put(path, written, owned=owned)


def in_range(name: str, wanted: CustomerRange) -> list[Filter]:
    """The filters for documents whose field is the id of a customer in the range."""
    bounds = ((">", wanted.after), ("<=", wanted.until))
    return [(name, operator, bound) for operator, bound in bounds if bound is not None]


def to_number(value: Decimal) -> int | float:
    """A quantity as stored: an integer where it is whole."""
    return int(value) if value == int(value) else float(value)


def to_float(value: Decimal | None) -> float | None:
    """A share or quantity as stored in a field of doubles; None for none."""
    return None if value is None else float(value)
