"""The writes that a commit is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Put:
    """Write ``fields``. With ``owned`` (top-level field names) nothing else on the document is
    touched, and an owned field that ``fields`` lacks is removed; without it the document is
    replaced."""

    path: str
    fields: Mapping[str, Any]
    owned: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Write a document that must not exist yet, else Conflict."""

    path: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Update:
    """Write ``fields`` on a document that exists (and, where ``if_version`` is given, is still of
    that version), else Conflict. A field given as None is removed."""

    path: str
    fields: Mapping[str, Any]
    if_version: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete a document; one that is already gone is no error."""

    path: str


Write = Put | Create | Update | Remove


def outcome(write: Write, before: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fields of a document after a write, from those before; None where there is none."""
    match write:
        case Remove():
            return None
        case Update(fields=fields):
            merged = {**(before or {}), **fields}
            return {n: v for n, v in merged.items() if n not in fields or v is not None}
        case Create(fields=fields):
            return dict(fields)
        case Put(fields=fields, owned=owned):
            if owned is None:
                return dict(fields)
            others = {n: v for n, v in (before or {}).items() if n not in owned}
            return others | {name: fields[name] for name in owned if name in fields}
