"""How large a document is and how many index entries it has, by Firestore's documentation
(storage-size and index-overview)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests import indexes
from tests.indexes import WHOLE_GROUP
from tests.strict_firestore.limits import Limits, check_field_name, invalid, path_of, utf8_size

NAME_OVERHEAD = 16
DOCUMENT_OVERHEAD = 32
NAMES_KEPT = 4_096
_FIXED = {
    "null_value": 1,
    "boolean_value": 1,
    "integer_value": 8,
    "double_value": 8,
    "timestamp_value": 8,
    "geo_point_value": 16,
}


@dataclass(frozen=True, slots=True)
class Modes:
    """Indexes of one field: how many have an entry for its value, how many for every element."""

    ordered: int
    contains: int


NONE = Modes(ordered=0, contains=0)


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes stored, and index entries."""

    stored: int
    entries: int

    def __add__(self, other: "Size") -> "Size":
        return Size(self.stored + other.stored, self.entries + other.entries)


NOTHING = Size(0, 0)


@dataclass(frozen=True, slots=True)
class _Collection:
    """The indexes of collections of one id."""

    overrides: Mapping[str, Modes]
    composites: tuple["_Composite", ...]
    in_composites: frozenset[str]


_Composite = tuple[tuple[Sequence[str], bool], ...]
"""Of each field the names of its path, and whether it has an entry for every element."""


class Measure:
    """Measures documents under the indexes of ``firestore.indexes.json``."""

    def __init__(self, declared: Mapping[str, Any], limits: Limits) -> None:
        self._limits = limits
        groups = {each["collectionGroup"] for kind in declared.values() for each in kind}
        self._collections = {group: _collection(declared, group) for group in groups}
        self._plain = _collection(declared, "")
        self._names: dict[str, int] = {}

    def fields(self, name: str, fields: Any) -> Size:
        """Of these fields alone, on the document of that full name. Raises Refused for a field
        that no document may have."""
        collection = self._collection(name)
        if len(self._names) > NAMES_KEPT:
            self._names = {}
        walk = _Walk(name, collection, self._limits, self._names)
        stored = walk.fields(fields, "", collection.overrides[WHOLE_GROUP], 0)
        entries = walk.entries + sum(_composite(index, fields) for index in collection.composites)
        return Size(stored, entries)

    def most(self, name: str, before: Size, written: Size) -> Size:
        """No document is larger after a write of some of its fields."""
        return before + written + Size(0, len(self._collection(name).composites))

    def check(self, name: str, fields: Size) -> None:
        """Raises Refused for a document whose fields are of that size in all."""
        stored = DOCUMENT_OVERHEAD + name_size(name) + fields.stored
        if stored > self._limits.document:
            raise invalid(
                f"Document '{name}' cannot be written because its size ({stored:,} bytes) exceeds "
                f"the maximum allowed size of {self._limits.document:,} bytes."
            )
        if fields.entries > self._limits.index_entries:
            raise invalid(
                f"too many index entries for entity {path_of(name)}: {fields.entries:,} of at most "
                f"{self._limits.index_entries:,}"
            )

    def fits(self, name: str, fields: Size) -> bool:
        """Whether ``check`` would let it pass."""
        stored = DOCUMENT_OVERHEAD + name_size(name) + fields.stored
        return stored <= self._limits.document and fields.entries <= self._limits.index_entries

    def _collection(self, name: str) -> _Collection:
        return self._collections.get(name.rsplit("/", 2)[1], self._plain)


def name_size(name: str) -> int:
    """Stored bytes of a document's name."""
    return NAME_OVERHEAD + sum(utf8_size(each) + 1 for each in path_of(name).split("/"))


class _Walk:
    """One walk through a document's fields, which adds up ``entries``. ``names`` are the field
    names that are known to be allowed, with the bytes stored of each."""

    def __init__(
        self, name: str, collection: _Collection, limits: Limits, names: dict[str, int]
    ) -> None:
        self.entries = 0
        self._names = names
        self._name = name
        self._overrides = collection.overrides
        self._in_composites = collection.in_composites
        self._limits = limits
        self._never_too_long = min(limits.value, limits.indexed_value or limits.value)

    def fields(self, fields: Any, prefix: str, inherited: Modes, depth: int) -> int:
        stored = 0
        for name, value in fields.items():
            if name not in self._names:
                check_field_name(name, self._limits)
                self._names[name] = utf8_size(name) + 1
            path = prefix + name
            modes = self._overrides.get(path, inherited)
            stored += self._names[name] + self._value(value, path, modes, depth)
        return stored

    def _value(self, value: Any, path: str, modes: Modes, depth: int) -> int:
        kind = value.WhichOneof("value_type")
        self.entries += modes.ordered
        if kind == "string_value":
            text = value.string_value
            size = len(text) if text.isascii() else len(text.encode())
            return (size if size <= self._never_too_long else self._bounded(size, path, modes)) + 1
        if kind in _FIXED:
            return _FIXED[kind]
        match kind:
            case "bytes_value":
                return self._bounded(len(value.bytes_value), path, modes)
            case "reference_value":
                return name_size(value.reference_value)
            case "map_value":
                self._descend(path, depth)
                return self.fields(value.map_value.fields, f"{path}.", modes, depth + 1)
            case "array_value":
                return self._array(value.array_value.values, path, modes, depth)
        return 0

    def _array(self, values: Any, path: str, modes: Modes, depth: int) -> int:
        self._descend(path, depth)
        if modes.contains:
            self.entries += modes.contains * len({each.SerializeToString() for each in values})
        before = self.entries
        # An element is indexed as it is: its own fields are not.
        element = Modes(0, modes.contains)
        stored = sum(self._element(each, path, element, depth + 1) for each in values)
        self.entries = before
        return stored

    def _element(self, value: Any, path: str, modes: Modes, depth: int) -> int:
        nested = value.WhichOneof("value_type") in ("map_value", "array_value")
        return self._value(value, path, NONE if nested else modes, depth)

    def _bounded(self, size: int, path: str, modes: Modes) -> int:
        if size > self._limits.value:
            raise invalid(
                f'The value of property "{path}" is longer than {self._limits.value} bytes.'
            )
        most = self._limits.indexed_value
        indexed = modes != NONE or path in self._in_composites
        if most is not None and size > most and indexed:
            raise invalid(
                f'The value of property "{path}" is longer than {most} bytes ({size} bytes, '
                f"indexed, in {path_of(self._name)})."
            )
        return size

    def _descend(self, path: str, depth: int) -> None:
        if depth >= self._limits.depth:
            raise invalid(
                f'Property "{path}" contains an invalid nested entity: more than '
                f"{self._limits.depth} levels deep."
            )


def _collection(declared: Mapping[str, Any], group: str) -> _Collection:
    overrides = {
        path: Modes(
            ordered=sum("order" in index for index in each),
            contains=sum("arrayConfig" in index for index in each),
        )
        for path, each in indexes.overrides(declared, group).items()
    }
    composites = tuple(
        tuple((field["fieldPath"].split("."), "arrayConfig" in field) for field in each["fields"])
        for each in declared["indexes"]
        if each["collectionGroup"] == group
    )
    in_composites = frozenset(".".join(names) for index in composites for names, _ in index)
    return _Collection(overrides, composites, in_composites)


def _composite(index: _Composite, fields: Any) -> int:
    entries = 1
    for (*parents, last), per_element in index:
        within = fields
        for name in parents:
            if name not in within:
                return 0
            within = within[name].map_value.fields
        if last not in within:
            return 0
        if per_element:
            entries *= len(within[last].array_value.values)
    return entries
