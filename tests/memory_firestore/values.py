"""Comparing values as Firestore does, and finding them in documents by field path."""

from collections.abc import Iterator
from typing import Any

from google.cloud.firestore_v1 import types

from tests.strict_firestore.limits import Limits, field_path

NAME = "__name__"
NUMBERS = ("integer_value", "double_value")
_RANKS = {
    "null_value": 0,
    "boolean_value": 1,
    "integer_value": 2,
    "double_value": 2,
    "timestamp_value": 3,
    "string_value": 4,
    "bytes_value": 5,
    "reference_value": 6,
    "geo_point_value": 7,
    "array_value": 8,
    "map_value": 9,
}
_LIMITS = Limits()

Key = tuple[Any, ...]
"""Sorts as its value; its first part is the value's type."""

_Value: Any = types.Value.pb()


def key_of(value: Any) -> Key:
    """The sort key of a value."""
    kind = value.WhichOneof("value_type") or "null_value"
    rank = _RANKS[kind]
    match kind:
        case "null_value":
            return (rank,)
        case "timestamp_value":
            return (rank, value.timestamp_value.seconds, value.timestamp_value.nanos)
        case "reference_value":
            return (rank, *value.reference_value.split("/"))
        case "geo_point_value":
            return (rank, value.geo_point_value.latitude, value.geo_point_value.longitude)
        case "array_value":
            return (rank, tuple(map(key_of, value.array_value.values)))
        case "map_value":
            fields = value.map_value.fields
            return (rank, tuple((name, key_of(fields[name])) for name in sorted(fields)))
        case _:
            return (rank, getattr(value, kind))


def found(document: Any, path: str) -> Any | None:
    """The value at a field path; None where the document has none."""
    if path == NAME:
        return _Value(reference_value=document.name)
    fields = document.fields
    *parents, last = field_path(path, _LIMITS)
    for parent in parents:
        if parent not in fields:
            return None
        fields = fields[parent].map_value.fields
    return fields.get(last)


def copy_fields(source: Any, target: Any, paths: Iterator[str]) -> None:
    """Make the fields at these paths what they are in ``source``: absent where they are there."""
    for path in paths:
        *parents, last = field_path(path, _LIMITS)
        inner, outer = source, target
        for parent in parents:
            inner = inner[parent].map_value.fields if parent in inner else {}
        absent = last not in inner
        for parent in parents:
            if absent and parent not in outer:
                break
            outer = outer[parent].map_value.fields
        else:
            if not absent:
                outer[last].CopyFrom(inner[last])
            elif last in outer:
                del outer[last]
