"""Firestore's limits, and the refusal of what exceeds them.

Figures and rules are those of https://firebase.google.com/docs/firestore/quotas (Standard
edition).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import grpc


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. ``indexed_value``: Firestore truncates what a longer string or byte value
    leaves in an index, so that queries of the field may answer wrongly; here the write is
    refused. None: it is let pass."""

    request: int = 10 * 2**20
    document: int = 2**20
    name: int = 6 * 2**10
    id: int = 1_500
    field_name: int = 1_500
    field_path: int = 1_500
    value: int = 2**20 - 89
    indexed_value: int | None = 1_500
    index_entries: int = 40_000
    depth: int = 20
    subcollections: int = 100
    transforms: int = 500
    disjunctions: int = 30
    excluded_values: int = 10


class Refused(Exception):
    """A call that Firestore answers with an error; ``by_limit``: whenever it is made, not on a bad
    day alone."""

    def __init__(self, status: grpc.StatusCode, message: str, *, by_limit: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.by_limit = by_limit


def invalid(message: str) -> Refused:
    """The refusal of a request that no retry will help."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def path_of(name: str) -> str:
    """The path within its database of a document or collection of this full name."""
    return name.partition("/documents/")[2]


def project_of(name: str) -> str:
    """The project of a resource of this full name."""
    return name.split("/", 2)[1]


def utf8_size(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


_RESERVED = re.compile("__.*__", re.DOTALL)
_SEGMENT = re.compile(r"`((?:[^`\\]|\\.)+)`|([A-Za-z_][A-Za-z_0-9]*)", re.DOTALL)


def check_name(name: str, limits: Limits) -> None:
    """Check a document's full name and every id in it. Raises Refused."""
    ids = path_of(name).split("/")
    for each in ids:
        if utf8_size(each) > limits.id:
            raise invalid(f"The key path element name is longer than {limits.id} bytes.")
        if each.startswith("__") and _RESERVED.fullmatch(each):
            raise invalid(f'Resource id "{each}" is invalid because it is reserved.')
        if each in ("", ".", ".."):
            raise invalid(f'Resource id "{each}" is invalid.')
    if utf8_size(name) > limits.name:
        raise invalid(f"A document name is longer than {limits.name} bytes.")
    if len(ids) > 2 * limits.subcollections:
        raise invalid(f"A document is more than {limits.subcollections} collections deep.")


def check_field_name(name: str, limits: Limits) -> None:
    """Check one field's name. Raises Refused."""
    if utf8_size(name) > limits.field_name:
        raise invalid(f"A property name is longer than {limits.field_name} bytes: {name[:40]}…")
    if name.startswith("__") and _RESERVED.fullmatch(name):
        raise invalid(f'The property name "{name}" is reserved.')
    if not name:
        raise invalid("A property name is empty.")


@lru_cache(maxsize=4096)
def field_path(path: str, limits: Limits) -> tuple[str, ...]:
    """The names that a field path such as ``pos.`main street`` is made of. Raises Refused."""
    if utf8_size(path) > limits.field_path:
        raise invalid(f"A property path is longer than {limits.field_path} bytes: {path[:40]}…")
    names = tuple(_segments(path))
    for name in names:
        check_field_name(name, limits)
    return names


def _segments(path: str) -> Iterator[str]:
    at = 0
    while found := _SEGMENT.match(path, at):
        quoted, simple = found.groups()
        yield simple or re.sub(r"\\(.)", r"\1", quoted)
        at = found.end()
        if at == len(path):
            return
        if path[at] != ".":
            break
        at += 1
    raise invalid(f'Invalid property path "{path[:80]}".')
