"""Which indexes a query needs, and whether ``firestore.indexes.json`` has them.

The emulator serves every query; Firestore itself refuses one whose composite index is missing,
or whose only field is exempt from indexing. The rules are those of Firestore's documentation.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud.firestore_v1.types import StructuredAggregationQuery, StructuredQuery

FILE = Path(__file__).parents[1] / "firestore.indexes.json"

_Op = StructuredQuery.FieldFilter.Operator
_EQUALITIES = {_Op.EQUAL, _Op.IN, _Op.ARRAY_CONTAINS, _Op.ARRAY_CONTAINS_ANY}
_NAME = "__name__"


@dataclass(frozen=True)
class Needs:
    """Fields compared for equality, then those sorted or summed by, with their directions."""

    group: str
    everywhere: bool
    equal: frozenset[str]
    sorted: tuple[tuple[str, str], ...]

    @property
    def composite(self) -> bool:
        """Equalities alone, and one sorted field alone, are served by single-field indexes."""
        return len(self.sorted) > 1 or bool(self.sorted and self.equal)


def needs(query: StructuredQuery, sums: tuple[str, ...] = ()) -> Needs:
    """What a query needs."""
    equal: set[str] = set()
    ranges: list[str] = []
    _collect(query.where, equal, ranges)
    ordered = [(o.field.field_path, o.direction.name) for o in query.order_by]
    direction = ordered[-1][1] if ordered else "ASCENDING"
    ordered += [(name, direction) for name in ranges if name not in dict(ordered)]
    ordered += [(name, "ASCENDING") for name in sums if equal and name not in dict(ordered)]
    chosen = tuple((n, d) for n, d in dict(ordered).items() if n != _NAME and n not in equal)
    source = query.from_[0]
    return Needs(source.collection_id, source.all_descendants, frozenset(equal - {_NAME}), chosen)


def sums_of(query: StructuredAggregationQuery) -> tuple[str, ...]:
    """The fields an aggregation sums or averages."""
    fields = [a.sum.field.field_path or a.avg.field.field_path for a in query.aggregations]
    return tuple(field for field in fields if field)


def missing(wanted: Needs, declared: dict[str, Any]) -> str | None:
    """What the file lacks for a query, in words; None when it can be served."""
    if not wanted.composite:
        return _exempt(wanted, declared)
    scope = "COLLECTION_GROUP" if wanted.everywhere else "COLLECTION"
    for index in declared["indexes"]:
        if index["collectionGroup"] == wanted.group and index["queryScope"] == scope:
            fields = [(f["fieldPath"], f.get("order", "CONTAINS")) for f in index["fields"]]
            count = len(wanted.equal)
            equal = {name for name, _ in fields[:count]}
            if equal == wanted.equal and tuple(fields[count:]) == wanted.sorted:
                return None
    return f"no composite index for {wanted}"


def declared() -> dict[str, Any]:
    """The file's content."""
    content: dict[str, Any] = json.loads(FILE.read_text())
    return content


def _exempt(wanted: Needs, declared: dict[str, Any]) -> str | None:
    scope = "COLLECTION_GROUP" if wanted.everywhere else "COLLECTION"
    overrides = {
        o["fieldPath"]: o["indexes"]
        for o in declared["fieldOverrides"]
        if o["collectionGroup"] == wanted.group
    }
    for field in [*wanted.equal, *(name for name, _ in wanted.sorted)]:
        if field in overrides:
            if not any(i.get("queryScope", "COLLECTION") == scope for i in overrides[field]):
                return f"{wanted.group}.{field} is exempt from indexing but queried ({scope})"
        elif wanted.everywhere:
            return f"{wanted.group}.{field} has no index over all collections of that name"
    return None


def _collect(where: StructuredQuery.Filter, equal: set[str], ranges: list[str]) -> None:
    if "composite_filter" in where:
        for part in where.composite_filter.filters:
            _collect(part, equal, ranges)
    elif "field_filter" in where:
        name = where.field_filter.field.field_path
        if where.field_filter.op in _EQUALITIES:
            equal.add(name)
        elif name not in ranges:
            ranges.append(name)
    elif "unary_filter" in where:
        equal.add(where.unary_filter.field.field_path)
