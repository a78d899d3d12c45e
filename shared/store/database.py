"""The one door to Firestore: every read and write is counted and limited in time."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

TIMEOUT_SECONDS = 30.0
READ_CHUNK = 300

Filter = tuple[str, str, object]


@dataclass(slots=True)
class Meter:
    """Documents read, written and deleted: what Firestore bills. Safe to share between threads."""

    reads: int = 0
    writes: int = 0
    deletes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, reads: int = 0, writes: int = 0, deletes: int = 0) -> None:
        with self._lock:
            self.reads += reads
            self.writes += writes
            self.deletes += deletes


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read. ``version`` is None and ``fields`` empty where there is none."""

    id: str
    fields: Mapping[str, Any]
    version: datetime | None
    read_at: datetime

    @property
    def exists(self) -> bool:
        return self.version is not None


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


class Conflict(Exception):
    """A document was not of the required version: nothing of the commit was written."""


class Database:
    """A Firestore database. ``meter`` is this user's own bill."""

    def __init__(self, client: firestore.Client, meter: Meter | None = None) -> None:
        self._client = client
        self.meter = meter or Meter()

    def metered(self) -> "Database":
        """The same database with a bill of its own."""
        return Database(self._client)

    def get(self, path: str) -> Document:
        snapshot = self._client.document(path).get(timeout=TIMEOUT_SECONDS)
        self.meter.add(reads=1)
        return _document(snapshot)

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        """The documents by path; missing ones are there with ``exists`` false."""
        found: dict[str, Document] = {}
        for start in range(0, len(paths), READ_CHUNK):
            refs = [self._client.document(path) for path in paths[start : start + READ_CHUNK]]
            for snapshot in self._client.get_all(refs, fields, timeout=TIMEOUT_SECONDS):
                found[snapshot.reference.path] = _document(snapshot)
            self.meter.add(reads=len(refs))
        return found

    def query(
        self,
        collection: str,
        *filters: Filter,
        select: Sequence[str] | None = None,
        order_by: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Iterator[Document]:
        """Documents of a collection; ``after`` continues behind given values of ``order_by``."""
        query: Any = self._client.collection(collection)
        for name, operator, value in filters:
            query = query.where(filter=FieldFilter(name, operator, value))
        for name, direction in order_by:
            query = query.order_by(name, direction=direction)
        if select is not None:
            query = query.select(list(select))
        if after is not None:
            query = query.start_after(dict(after))
        if limit is not None:
            query = query.limit(limit)
        count = 0
        for snapshot in query.stream(timeout=TIMEOUT_SECONDS):
            count += 1
            yield _document(snapshot)
        self.meter.add(reads=max(1, count))

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        """Write all or nothing. Returns the new version of the first document written.

        Raises Conflict where a required version does not hold.
        """
        batch = self._client.batch()
        puts = removals = 0
        for write in writes:
            self._add(batch, write)
            if isinstance(write, Remove):
                removals += 1
            else:
                puts += 1
        if not puts + removals:
            return None
        try:
            results = batch.commit(timeout=TIMEOUT_SECONDS)
        except (
            exceptions.FailedPrecondition,
            exceptions.AlreadyExists,
            exceptions.NotFound,
            exceptions.Aborted,
        ) as error:
            raise Conflict(str(error.message)) from error
        self.meter.add(writes=puts, deletes=removals)
        return _utc(results[0].update_time) if results[0].update_time else None

    def _add(self, batch: firestore.WriteBatch, write: Write) -> None:
        ref = self._client.document(write.path)
        match write:
            case Remove():
                batch.delete(ref)
            case Update(fields=fields, if_version=version):
                option = self._client.write_option(last_update_time=version) if version else None
                given = {n: firestore.DELETE_FIELD if v is None else v for n, v in fields.items()}
                batch.update(ref, given, option=option)
            case Create(fields=fields):
                batch.create(ref, dict(fields))
            case Put(fields=fields, owned=None):
                batch.set(ref, dict(fields))
            case Put(fields=fields, owned=tuple() as owned):
                whole = {name: fields.get(name, firestore.DELETE_FIELD) for name in owned}
                batch.set(ref, whole, merge=list(owned))


def _document(snapshot: Any) -> Document:
    version = _utc(snapshot.update_time) if snapshot.exists else None
    return Document(
        id=snapshot.id,
        fields=snapshot.to_dict() or {},
        version=version,
        read_at=_utc(snapshot.read_time),
    )


def _utc(moment: datetime) -> datetime:
    # Kept as Google's own type: a version has nanoseconds and must go back as it came.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
