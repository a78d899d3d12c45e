"""The documents that a query is answered with, decoded from plain protobuf, 0.03 ms of processor
time for an order: the client library decodes through layers of objects and copies each document
twice, 0.13 ms (docs/decisions/2026-11-21-encoding.md)."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1._helpers import decode_value
from google.protobuf.timestamp_pb2 import Timestamp

_from_timestamp: Callable[[Timestamp], datetime] = DatetimeWithNanoseconds.from_timestamp_pb
_PLAIN = frozenset({"boolean_value", "integer_value", "double_value", "string_value"})


class RawQuery(firestore.Query):
    """A query of one collection."""

    def answers(self, again: Callable[[Exception], bool], **limits: Any) -> Iterator[Any]:
        """The answers that have a document, as plain protobuf. Where they break off by an error
        that is ``again`` the query goes on behind the last document, unless it was asked anew in
        vain: that would never end."""
        query, last, anew = self, None, False
        while True:
            heard = False
            try:
                for wrapped in query.begun(**limits):
                    answer = types.RunQueryResponse.pb(wrapped)
                    if answer.HasField("document"):
                        last, heard = answer.document, True
                        yield answer
            except GoogleAPICallError as error:
                if not again(error) or (anew and not heard):
                    raise
                query, anew = self if last is None else self.start_after(self._snapshot(last)), True
            else:
                return

    def begun(self, **limits: Any) -> Iterator[Any]:
        """The answers as the client library has them, asked for once."""
        begin: Callable[..., Any] = self._get_stream_iterator
        found: Iterator[Any] = begin(None, **limits)[0]
        return found

    def _snapshot(self, document: Any) -> Any:
        fields = fields_of(document, self._client)
        reference = self._client.document(path_of(document))
        return firestore.DocumentSnapshot(reference, fields, True, None, None, None)


def path_of(document: Any) -> str:
    """A document's path below the database."""
    return str(document.name.partition("/documents/")[2])


def fields_of(document: Any, client: firestore.Client) -> dict[str, Any]:
    """A document's fields."""
    return {name: _value(value, client) for name, value in document.fields.items()}


def _value(value: Any, client: firestore.Client) -> Any:
    kind = value.WhichOneof("value_type")
    if kind in _PLAIN:
        return getattr(value, kind)
    if kind == "timestamp_value":
        return _from_timestamp(value.timestamp_value)
    if kind == "array_value":
        return [_value(each, client) for each in value.array_value.values]
    if kind == "map_value" and not _is_special(value.map_value.fields):
        return {name: _value(each, client) for name, each in value.map_value.fields.items()}
    # Kinds that only other programs write.
    return decode_value(value, client)


def _is_special(fields: Mapping[str, Any]) -> bool:
    """Whether a map stands for a value of another type, a vector for instance."""
    return any(name.startswith("__") for name in fields)
