"""What a write would change on a document, field by field, cut to a size that people read."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

VOLATILE = frozenset({"updatedAt", "syncRunId"})
"""Fields that every write changes: they say nothing."""

REMOVED_AT = "removedFromPosAt"
"""The field that marks what is kept although it was removed."""

TEXT_LIMIT = 300
"""Characters of a value."""


class ChangeKind(StrEnum):
    """What happens to a record."""

    CREATED = "created"
    UPDATED = "updated"
    REWRITTEN = "rewritten"  # with what stands there already
    REMOVED = "removed"


Fields = Mapping[str, Any]


def change_kind(before: Fields | None, after: Fields | None) -> ChangeKind:
    """What a write makes of a record, by its fields before and after; None where it is not."""
    if after is None or (after.get(REMOVED_AT) and not (before or {}).get(REMOVED_AT)):
        return ChangeKind.REMOVED
    if before is None:
        return ChangeKind.CREATED
    return ChangeKind.UPDATED if changed_fields(before, after) else ChangeKind.REWRITTEN


def changed_fields(before: Fields | None, after: Fields | None) -> dict[str, dict[str, Any]]:
    """Each field that differs, with its ``old`` and its ``new`` value; the one that is missing is
    left out. Values that are long or have parts stand as text."""
    old, new = before or {}, after or {}
    return {
        name: {
            side: _short(fields[name])
            for side, fields in (("old", old), ("new", new))
            if name in fields
        }
        for name in sorted({*old, *new} - VOLATILE)
        if (name in old) != (name in new) or old.get(name) != new.get(name)
    }


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"
