"""The writes that a commit is made of, and their encoding for Firestore.

They are encoded as plain protobuf, 0.03 ms of processor time for an order: the client library's
own layers of objects take 0.57 ms (docs/decisions/2026-11-21-encoding.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from google.cloud.firestore_v1 import types as firestore
from google.cloud.firestore_v1.field_path import FieldPath
from google.protobuf.struct_pb2 import NULL_VALUE
from google.protobuf.timestamp_pb2 import Timestamp

Fields = Mapping[str, Any]
"""A document's fields by name."""


class _Encoded:
    """Keeps the message that a write was encoded to, and its size: it is weighed before it is
    sent."""

    __slots__ = ("encoded_bytes", "encoded_message")
    path: str
    encoded_bytes: int
    encoded_message: Any


@dataclass(frozen=True, slots=True)
class Put(_Encoded):
    """Write ``fields``. With ``owned`` (top-level field names) nothing else on the document is
    touched, and an owned field that ``fields`` lacks is removed; without it the document is
    replaced. Raises ValueError for a field that is not owned."""

    path: str
    fields: Fields
    owned: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.owned is not None and (stray := self.fields.keys() - set(self.owned)):
            raise ValueError(f"not owned by this write of {self.path}: {', '.join(sorted(stray))}")


@dataclass(frozen=True, slots=True)
class Create(_Encoded):
    """Write a document that must not exist yet, else Conflict."""

    path: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Update(_Encoded):
    """Write ``fields`` on a document that exists (and, where ``if_version`` is given, is still of
    that version), else Conflict. A field given as None is removed."""

    path: str
    fields: Fields
    if_version: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remove(_Encoded):
    """Delete a document; one that is already gone is no error."""

    path: str


Write = Put | Create | Update | Remove


def outcome(write: Write, before: Fields | None) -> dict[str, Any] | None:
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
            return {**others, **fields}


def size_of(fields: Fields) -> int:
    """Bytes that the fields have in Firestore, without the document's name: as documented in
    "Storage size calculations"."""
    return 32 + sum(_text_size(name) + _value_size(value) for name, value in fields.items())


def _text_size(text: str) -> int:
    return len(text.encode(errors="surrogatepass")) + 1


def _value_size(value: object) -> int:
    match value:
        case None | bool():
            return 1
        case str():
            return _text_size(value)
        case bytes():
            return len(value)
        case dict():
            return size_of(value)
        case list() | tuple():
            return sum(map(_value_size, value))
        case _:
            return 8


_PLAIN = (
    (str, "string_value"),
    (bool, "boolean_value"),  # before int: every bool is one
    (int, "integer_value"),
    (float, "double_value"),
    (bytes, "bytes_value"),
)


def encoded(write: Write, documents: str) -> firestore.Write:
    """The write as Firestore takes it. ``documents`` is the name of the database's root:
    ``projects/P/databases/D/documents``.

    Raises TypeError for a value that Firestore has no type for, ValueError for an Update of
    nothing.
    """
    message, name = _message_of(write), f"{documents}/{write.path}"
    if isinstance(write, Remove):
        message.delete = name
    else:
        message.update.name = name
    encoded_write: firestore.Write = firestore.Write.wrap(message)
    return encoded_write


def bytes_of(write: Write) -> int:
    """Bytes of the write in a commit, but for the name of the database's root; 0 for one that
    ``encoded`` raises for."""
    try:
        _message_of(write)
    except (TypeError, ValueError):
        return 0
    return write.encoded_bytes


def same_fields(first: Fields, second: Fields) -> bool:
    """Whether Firestore stores both alike."""
    one, other = _encode(Create("", first)), _encode(Create("", second))
    return bool(one == other)


def _message_of(write: Write) -> Any:
    """The write's message, in which the database's root is still to be named; encoded once."""
    found = getattr(write, "encoded_message", None)
    if found is None:
        found = _encode(write)
        object.__setattr__(write, "encoded_message", found)
        object.__setattr__(write, "encoded_bytes", found.ByteSize())
    return found


def _encode(write: Write) -> Any:
    message = firestore.Write.pb()()
    name = write.path
    match write:
        case Remove():
            message.delete = name
        case Put(fields=fields, owned=owned):
            _document(message, name, fields)
            if owned is not None:
                message.update_mask.field_paths.extend(_mask(owned))
        case Create(fields=fields):
            _document(message, name, fields)
            message.current_document.exists = False
        case Update(fields=fields, if_version=version):
            if not fields:
                raise ValueError(f"nothing to update on {write.path}")
            _document(message, name, {n: v for n, v in fields.items() if v is not None})
            message.update_mask.field_paths.extend(_mask(tuple(fields)))
            if version is None:
                message.current_document.exists = True
            else:
                message.current_document.update_time.CopyFrom(_timestamp(version))
    return message


def _document(message: Any, name: str, fields: Fields) -> None:
    message.update.name = name
    _fill(message.update.fields, fields)


@lru_cache(maxsize=1024)
def _mask(names: tuple[str, ...]) -> Sequence[str]:
    return sorted(FieldPath(name).to_api_repr() for name in names)


def _fill(message: Any, fields: Fields) -> None:
    for name, value in fields.items():
        _set(message[name], value)


def _set(message: Any, value: object) -> None:
    for kind, field in _PLAIN:
        if isinstance(value, kind):
            setattr(message, field, value)
            return
    match value:
        case None:
            message.null_value = NULL_VALUE
        case datetime():
            message.timestamp_value.CopyFrom(_timestamp(value))
        case dict():
            message.map_value.SetInParent()
            _fill(message.map_value.fields, value)
        case list() | tuple():
            message.array_value.SetInParent()
            for each in value:
                _set(message.array_value.values.add(), each)
        case _:
            raise TypeError(f"Firestore has no type for {type(value).__name__}")


def _timestamp(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    # A version read from Firestore is of one of Google's own types, which have nanoseconds.
    found.nanos = getattr(moment, "nanosecond", 0) or found.nanos
    return found
