"""The documents, each as the bytes that it is sent as, and commits of several."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import grpc
from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp

from tests.memory_firestore.values import Key, copy_fields, key_of
from tests.strict_firestore.limits import Refused

_Document: Any = types.Document.pb()

Index = dict[Key, set[str]]


def split(name: str) -> tuple[str, str]:
    """The full name of a document's collection, and its id."""
    collection, _, document_id = name.rpartition("/")
    return collection, document_id


class Store:
    """All projects' documents. Safe to use from several threads; a reader sees whole commits, but
    not all of one moment."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._collections: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self._indexes: defaultdict[str, dict[str, Index]] = defaultdict(dict)
        self._micros = 0

    def get(self, name: str) -> bytes | None:
        """A document by its full name."""
        collection, document_id = split(name)
        with self._lock:
            return self._collections.get(collection, {}).get(document_id)

    def collections(self, parent: str, group: str, *, everywhere: bool) -> list[str]:
        """Full names of the collections of that id right below ``parent``, or anywhere below."""
        if not everywhere:
            return [f"{parent}/{group}"]
        with self._lock:
            names = list(self._collections)
        return [n for n in names if n.startswith(f"{parent}/") and n.endswith(f"/{group}")]

    def collection_ids(self, parent: str) -> set[str]:
        """Ids of the collections right below a document that have documents at any depth."""
        return {name.split("/")[0] for name in self._below(parent)}

    def parents(self, collection: str) -> set[str]:
        """Ids of the documents of a collection that have collections below them, there or not."""
        return {rest.split("/")[0] for rest in self._below(collection) if "/" in rest}

    def _below(self, name: str) -> list[str]:
        """The names, relative to this one, of the collections below it that have documents."""
        with self._lock:
            held = [each for each, documents in self._collections.items() if documents]
        return [each.removeprefix(f"{name}/") for each in held if each.startswith(f"{name}/")]

    def documents(self, collection: str) -> list[tuple[str, bytes]]:
        """All documents of a collection with their ids, by id."""
        with self._lock:
            found = list(self._collections.get(collection, {}).items())
        return sorted(found, key=lambda each: each[0])

    def with_value(
        self, collection: str, field: str, keys: Iterable[Key]
    ) -> list[tuple[str, bytes]]:
        """Those whose top-level field has one of these values, by id. An index of the field is
        kept from the first time on."""
        with self._lock:
            documents = self._collections.get(collection, {})
            indexes = self._indexes[collection]
            if field not in indexes:
                index: Index = {}
                indexes[field] = index
                for document_id, text in documents.items():
                    _enter(index, field, document_id, _Document.FromString(text))
            ids = sorted({each for key in keys for each in indexes[field].get(key, ())})
            return [(document_id, documents[document_id]) for document_id in ids]

    def commit(self, writes: Iterable[Any]) -> Timestamp:
        """Write all or nothing; the new version of all that is written. Raises Refused where a
        precondition does not hold."""
        with self._lock:
            now = self._now()
            changed: dict[str, Any] = {}
            for write in writes:
                name = write.update.name or write.delete or write.verify
                if name not in changed:
                    text = self.get(name)
                    changed[name] = None if text is None else _Document.FromString(text)
                _require(write, name, changed[name])
                if write.delete:
                    changed[name] = None
                elif write.update.name:
                    changed[name] = _written(write, changed[name], now)
            for name, document in changed.items():
                self._put(name, document)
            return now

    def now(self) -> Timestamp:
        """The moment, past every version so far."""
        with self._lock:
            return self._now()

    def _now(self) -> Timestamp:
        self._micros = max(self._micros + 1, time.time_ns() // 1_000)
        moment = Timestamp()
        moment.FromMicroseconds(self._micros)
        return moment

    def _put(self, name: str, document: Any) -> None:
        collection, document_id = split(name)
        documents = self._collections[collection]
        for field, index in self._indexes[collection].items():
            if document_id in documents:
                _leave(index, field, document_id, _Document.FromString(documents[document_id]))
            if document is not None:
                _enter(index, field, document_id, document)
        if document is None:
            documents.pop(document_id, None)
        else:
            documents[document_id] = document.SerializeToString()


def _written(write: Any, before: Any, now: Timestamp) -> Any:
    document = _Document(name=write.update.name, create_time=now)
    if before is not None:
        document.create_time.CopyFrom(before.create_time)
    if not write.HasField("update_mask"):
        document.fields.MergeFrom(write.update.fields)
    else:
        if before is not None:
            document.fields.MergeFrom(before.fields)
        copy_fields(write.update.fields, document.fields, iter(write.update_mask.field_paths))
    document.update_time.CopyFrom(now)
    return document


def _require(write: Any, name: str, document: Any) -> None:
    if not write.HasField("current_document"):
        return
    wanted = write.current_document
    if wanted.WhichOneof("condition_type") == "exists":
        if wanted.exists and document is None:
            raise Refused(
                grpc.StatusCode.NOT_FOUND, f"No document to update: {name}", by_limit=False
            )
        if not wanted.exists and document is not None:
            raise Refused(
                grpc.StatusCode.ALREADY_EXISTS, f"Document already exists: {name}", by_limit=False
            )
    elif document is None or document.update_time != wanted.update_time:
        raise Refused(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"The stored version does not match the required base version: {name}",
            by_limit=False,
        )


def _enter(index: Index, field: str, document_id: str, document: Any) -> None:
    if field in document.fields:
        index.setdefault(key_of(document.fields[field]), set()).add(document_id)


def _leave(index: Index, field: str, document_id: str, document: Any) -> None:
    if field in document.fields:
        key = key_of(document.fields[field])
        index[key].discard(document_id)
        if not index[key]:
            del index[key]
