"""The part of a Firestore event that the emulator leaves empty: which fields an update changed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.events.cloud.firestore import DocumentEventData, Value

_SIMPLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def with_update_mask(data: bytes) -> bytes:
    """The event's data (protobuf) with ``update_mask`` filled in if it is of an update."""
    event = DocumentEventData.deserialize(data)
    if not (event.value.name and event.old_value.name) or event.update_mask.field_paths:
        return data
    event.update_mask.field_paths = sorted(_changed(event.old_value.fields, event.value.fields))
    serialized: bytes = DocumentEventData.serialize(event)
    return serialized


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Paths of the fields that differ; those of a map that stayed one are named one by one."""
    for name in old.keys() | new.keys():
        before: Any = old.get(name)
        after: Any = new.get(name)
        if before == after:
            continue
        path = name if _SIMPLE.match(name) else f"`{name}`"
        if _is_map(before) and _is_map(after):
            inner = _changed(before.map_value.fields, after.map_value.fields)
            yield from (f"{path}.{each}" for each in inner)
        else:
            yield path


def _is_map(value: Any) -> bool:
    return value is not None and Value.pb(value).WhichOneof("value_type") == "map_value"
