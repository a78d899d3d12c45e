"""Has a record changed, and in what: fingerprints, and differences field by field."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

HASH_BYTES = 8
"""64 bits: among 100,000 records of an org a change goes unseen once in 10^14 comparisons."""
VOLATILE = frozenset({"updatedAt", "syncRunId"})
"""Fields that every write changes."""
REMOVED_AT = "removedFromPosAt"
"""Marks a record that is kept although it was removed at the POS."""
TEXT_LIMIT = 300
"""Characters of a value that are shown."""

Fields = Mapping[str, Any]


def fingerprint(fields: Fields) -> bytes:
    """HASH_BYTES bytes that are equal for equal fields, whatever the order of their keys."""
    return fingerprint_and_size(fields)[0]


def fingerprint_and_size(fields: Fields) -> tuple[bytes, int]:
    """The fingerprint, and the bytes of the fields as JSON."""
    text = json.dumps(
        fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_canonical
    ).encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=HASH_BYTES).digest(), len(text)


class ChangeKind(StrEnum):
    """What happens to a record."""

    CREATED = "created"
    UPDATED = "updated"
    REWRITTEN = "rewritten"  # with the values it has already
    REMOVED = "removed"


def change_kind(before: Fields | None, after: Fields | None) -> ChangeKind:
    """What a write makes of a record, by its fields before and after; None where there is none."""
    if after is None or (after.get(REMOVED_AT) and not (before or {}).get(REMOVED_AT)):
        return ChangeKind.REMOVED
    if before is None:
        return ChangeKind.CREATED
    return ChangeKind.UPDATED if changed_fields(before, after) else ChangeKind.REWRITTEN


def changed_fields(before: Fields | None, after: Fields | None) -> dict[str, dict[str, Any]]:
    """Each field that differs, with its ``old`` and ``new`` value where there is one. Long values
    and those with parts are text of at most TEXT_LIMIT characters."""
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


def _canonical(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"
