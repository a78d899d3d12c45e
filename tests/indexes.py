"""Which indexes a query needs, and whether ``firestore.indexes.json`` has them.

The emulator serves every query; Firestore itself refuses one whose composite index is missing,
or one of whose fields is exempt from indexing. The rules are those of Firestore's documentation:
a field without an override has that of the map it is in, else that of its collection group (``*``),
else the automatic indexes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud.firestore_v1.types import StructuredAggregationQuery, StructuredQuery

FILE = Path(__file__).parents[1] / "firestore.indexes.json"

WHOLE_GROUP = "*"
"""The field path of an override for all fields of a collection group."""

_Op = StructuredQuery.FieldFilter.Operator
_EQUALITIES = {_Op.EQUAL, _Op.IN}
_ELEMENTS = {_Op.ARRAY_CONTAINS, _Op.ARRAY_CONTAINS_ANY}
_NAME = "__name__"
_UP, _CONTAINS, _COLLECTION = "ASCENDING", "CONTAINS", "COLLECTION"
_AUTOMATIC = (
    {"order": _UP, "queryScope": _COLLECTION},
    {"order": "DESCENDING", "queryScope": _COLLECTION},
    {"arrayConfig": _CONTAINS, "queryScope": _COLLECTION},
)


@dataclass(frozen=True)
class Needs:
    """Fields compared for equality, then those sorted or summed by, with their directions;
    ``contains`` are arrays searched for an element."""

    group: str
    everywhere: bool
    equal: frozenset[str]
    sorted: tuple[tuple[str, str], ...]
    contains: frozenset[str] = frozenset()

    @property
    def composite(self) -> bool:
        """Equalities alone, and one sorted field alone, are served by single-field indexes."""
        return len(self.sorted) > 1 or bool(self.sorted and (self.equal or self.contains))

    @property
    def scope(self) -> str:
        return "COLLECTION_GROUP" if self.everywhere else _COLLECTION


def needs(query: StructuredQuery, sums: tuple[str, ...] = ()) -> Needs:
    """What a query needs."""
    equal: set[str] = set()
    contains: set[str] = set()
    ranges: list[str] = []
    _collect(query.where, equal, contains, ranges)
    ordered = [(o.field.field_path, o.direction.name) for o in query.order_by]
    direction = ordered[-1][1] if ordered else _UP
    ordered += [(name, direction) for name in ranges if name not in dict(ordered)]
    ordered += [(name, _UP) for name in sums if name not in dict(ordered)]
    chosen = tuple((n, d) for n, d in dict(ordered).items() if n != _NAME and n not in equal)
    source = query.from_[0]
    return Needs(
        source.collection_id,
        source.all_descendants,
        frozenset(equal - {_NAME}),
        chosen,
        frozenset(contains),
    )


def sums_of(query: StructuredAggregationQuery) -> tuple[str, ...]:
    """The fields an aggregation sums or averages."""
    fields = [a.sum.field.field_path or a.avg.field.field_path for a in query.aggregations]
    return tuple(field for field in fields if field)


def missing(wanted: Needs, declared: Mapping[str, Any]) -> str | None:
    """What the file lacks for a query, in words; None when it can be served."""
    if not wanted.composite:
        return _exempt(wanted, declared)
    modes = {(name, _UP) for name in wanted.equal} | {(name, _CONTAINS) for name in wanted.contains}
    for index in declared["indexes"]:
        if index["collectionGroup"] == wanted.group and index["queryScope"] == wanted.scope:
            fields = [(f["fieldPath"], f.get("order", _CONTAINS)) for f in index["fields"]]
            count = len(modes)
            # Before the sorted fields it is all one which direction a field has.
            first = {(n, m if m == _CONTAINS else _UP) for n, m in fields[:count]}
            if first == modes and tuple(fields[count:]) == wanted.sorted:
                return None
    return f"no composite index for {wanted}"


def declared() -> dict[str, Any]:
    """The file's content."""
    content: dict[str, Any] = json.loads(FILE.read_text())
    return content


def overrides(declared: Mapping[str, Any], group: str) -> dict[str, Sequence[Mapping[str, str]]]:
    """The indexes that are declared for single fields of a collection group, by field path; what
    all others have is under WHOLE_GROUP."""
    found = {
        each["fieldPath"]: each["indexes"]
        for each in declared["fieldOverrides"]
        if each["collectionGroup"] == group
    }
    return {WHOLE_GROUP: _AUTOMATIC, **found}


def _exempt(wanted: Needs, declared: Mapping[str, Any]) -> str | None:
    known = overrides(declared, wanted.group)

    def has(field: str, *modes: str) -> bool:
        parts = field.split(".")
        above = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        path = next((path for path in above if path in known), WHOLE_GROUP)
        return any(
            each.get("order", each.get("arrayConfig")) in modes
            and each.get("queryScope", _COLLECTION) == wanted.scope
            for each in known[path]
        )

    lacking = [
        *(name for name in wanted.equal if not has(name, _UP, "DESCENDING")),
        *(name for name in wanted.contains if not has(name, _CONTAINS)),
        *(name for name, direction in wanted.sorted if not has(name, direction)),
    ]
    if lacking:
        fields = ", ".join(f"{wanted.group}.{name}" for name in sorted(lacking))
        return f"{fields}: queried ({wanted.scope}), but not indexed for it"
    return None


def _collect(
    where: StructuredQuery.Filter, equal: set[str], contains: set[str], ranges: list[str]
) -> None:
    if "composite_filter" in where:
        for part in where.composite_filter.filters:
            _collect(part, equal, contains, ranges)
    elif "field_filter" in where:
        name = where.field_filter.field.field_path
        if where.field_filter.op in _EQUALITIES:
            equal.add(name)
        elif where.field_filter.op in _ELEMENTS:
            contains.add(name)
        elif name not in ranges:
            ranges.append(name)
    elif "unary_filter" in where:
        equal.add(where.unary_filter.field.field_path)
