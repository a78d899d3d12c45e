"""The only access to Firestore: every read and write is counted, as it is billed, and has a time
limit."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.api_core import exceptions
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore
from google.cloud.firestore_v1.base_client import DEFAULT_DATABASE
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.types import Write as EncodedWrite
from google.protobuf.timestamp_pb2 import Timestamp

from shared.store.writes import Create as Create
from shared.store.writes import Fields as Fields
from shared.store.writes import Put as Put
from shared.store.writes import Remove as Remove
from shared.store.writes import Update as Update
from shared.store.writes import Write as Write
from shared.store.writes import encoded

TIMEOUT_SECONDS = 30.0
READS_PER_CALL = 300
IN_LIMIT = 30
"""Values that one ``in`` filter takes."""
LONGEST_FILTERED = 1_500
"""Bytes of a text that a filter takes and an index holds."""
WRITES_PER_COMMIT = 400
"""Below the 500 of the emulator and of older servers, with room for the lease and the like."""
ENTRIES_PER_READ = 1000
"""Index entries that Firestore counts or sums for the price of one document."""

Filter = tuple[str, str, object]
T = TypeVar("T")

_from_timestamp: Callable[[Timestamp], datetime] = DatetimeWithNanoseconds.from_timestamp_pb


@dataclass(slots=True)
class Meter:
    """Documents read, written and deleted. Safe to share between threads."""

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
    fields: Fields
    version: datetime | None
    read_at: datetime
    path: str = ""

    @property
    def exists(self) -> bool:
        return self.version is not None


class Conflict(Exception):
    """A document was not of the required version: nothing of the commit was written."""


class WriteRefused(Exception):
    """Firestore accepts no such write, however often it is sent: a document is too large, its id
    reserved, or the like. Nothing of the commit was written."""


class TimedOut(Exception):
    """Firestore did not answer within the time limit of ``Database.within``."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many documents there are, and the sums of their fields."""

    count: int
    sums: Mapping[str, float]


class Database:
    """A Firestore database. ``meter`` counts what is billed to this user of it."""

    def __init__(
        self, client: firestore.Client, meter: Meter | None = None, ends_at: float | None = None
    ) -> None:
        self._client = client
        self._documents = f"projects/{client.project}/databases/{DEFAULT_DATABASE}/documents"
        self._ends_at = ends_at
        self.meter = meter or Meter()

    def metered(self) -> "Database":
        """The same database with a meter of its own."""
        return Database(self._client)

    def within(self, seconds: float) -> "Database":
        """The same database, with one time limit for all reads together. They raise TimedOut when
        it has passed, or when Firestore is unavailable."""
        return Database(self._client, self.meter, time.monotonic() + seconds)

    def get(self, path: str) -> Document:
        with self._limited() as limits:
            snapshot = self._client.document(path).get(**limits)
        self.meter.add(reads=1)
        return _document(snapshot)

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        """The documents by path; a missing one has ``exists`` false."""
        found: dict[str, Document] = {}
        for batch in batched(paths, READS_PER_CALL):
            refs = [self._client.document(path) for path in batch]
            with self._limited() as limits:
                for snapshot in self._client.get_all(refs, fields, **limits):
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
        after: Fields | None = None,
        everywhere: bool = False,
    ) -> Iterator[Document]:
        """Documents of a collection; ``after`` continues after given values of ``order_by``.
        ``everywhere``: of the collection group of that name."""
        query = self._filtered(collection, filters, everywhere=everywhere)
        for name, direction in order_by:
            query = query.order_by(name, direction=direction)
        if select is not None:
            query = query.select(list(select))
        if after is not None:
            query = query.start_after(dict(after))
        if limit is not None:
            query = query.limit(limit)
        count = 0
        with self._limited() as limits:
            for snapshot in query.stream(**limits):
                count += 1
                yield _document(snapshot)
        self.meter.add(reads=max(1, count))

    def query_in(
        self,
        collection: str,
        name: str,
        values: Iterable[str] | None,
        *filters: Filter,
        select: Sequence[str] | None = None,
    ) -> Iterator[Document]:
        """Documents whose field is one of any number of values, in a query for every IN_LIMIT;
        without regard to the field where ``values`` is None. A value that is longer than
        LONGEST_FILTERED finds none."""
        if values is None:
            yield from self.query(collection, *filters, select=select)
            return
        wanted = {each for each in values if len(each.encode()) <= LONGEST_FILTERED}
        for batch in batched(sorted(wanted), IN_LIMIT):
            yield from self.query(collection, (name, "in", batch), *filters, select=select)

    def totals(self, collection: str, *filters: Filter, sums: Sequence[str] = ()) -> Totals:
        """How many documents match, and the sums of some of their fields, without reading them."""
        aggregation = self._filtered(collection, filters).count(alias="count")
        for name in sums:
            aggregation = aggregation.sum(name, alias=name)
        with self._limited() as limits:
            found = {each.alias: each.value for each in aggregation.get(**limits)[0]}
        count = int(found.pop("count"))
        self.meter.add(reads=max(1, -(-count // ENTRIES_PER_READ)))
        return Totals(count, found)

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        """Write all or nothing. Returns the new version of the first document written.

        Raises Conflict where a required version does not hold, WriteRefused where a write is not
        valid (a reserved id, a document that is too large, a value that has no encoding).
        """
        writes = list(writes)
        if not writes:
            return None
        batch = _Batch(self._client)
        try:
            for write in writes:
                batch.add(encoded(write, self._documents))
        except (TypeError, ValueError) as error:
            raise WriteRefused(type(error).__name__) from error
        try:
            results = batch.commit(timeout=TIMEOUT_SECONDS)
        except (
            exceptions.FailedPrecondition,
            exceptions.AlreadyExists,
            exceptions.NotFound,
            exceptions.Aborted,
        ) as error:
            raise Conflict(str(error.message)) from error
        except exceptions.InvalidArgument as error:
            raise WriteRefused(str(error.message)) from error
        removals = sum(isinstance(write, Remove) for write in writes)
        self.meter.add(writes=len(writes) - removals, deletes=removals)
        return _utc(results[0].update_time) if results[0].update_time else None

    def _filtered(
        self, collection: str, filters: Iterable[Filter], *, everywhere: bool = False
    ) -> Any:
        root = self._client.collection_group if everywhere else self._client.collection
        query: Any = root(collection)
        for name, operator, value in filters:
            query = query.where(filter=FieldFilter(name, operator, value))
        return query

    @contextmanager
    def _limited(self) -> Iterator[dict[str, Any]]:
        """Arguments that limit a read in time: by itself the client library retries past it."""
        if self._ends_at is None:
            yield {"timeout": TIMEOUT_SECONDS}
            return
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimedOut
        try:
            yield {"timeout": left, "retry": Retry(predicate=if_exception_type())}
        except (
            exceptions.DeadlineExceeded,
            exceptions.RetryError,
            exceptions.ServiceUnavailable,
        ) as error:
            raise TimedOut from error


def batched(
    items: Iterable[T], size: int, weight: Callable[[T], int] = lambda _: 1
) -> Iterator[list[T]]:
    """The items in lists of at most ``size`` each, or of that total ``weight``; an item that is
    heavier than that has a list of its own."""
    batch: list[T] = []
    total = 0
    for item in items:
        if batch and total + weight(item) > size:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += weight(item)
    if batch:
        yield batch


def commits(items: Iterable[T], writes_of: Callable[[T], int] = lambda _: 1) -> Iterator[list[T]]:
    """The items in parts of at most WRITES_PER_COMMIT writes. ``writes_of`` says how many writes
    an item is; they are never split."""
    return batched(items, WRITES_PER_COMMIT, writes_of)


def put_if_version(path: str, fields: Fields, version: datetime | None) -> Write:
    """The write of fields on a document that must still be of that version; None: must not exist.
    A field given as None is removed."""
    if version is not None:
        return Update(path, fields, if_version=version)
    return Create(path, {name: value for name, value in fields.items() if value is not None})


class _Batch(firestore.WriteBatch):
    """A commit of encoded writes."""

    def add(self, write: EncodedWrite) -> None:
        self._add_write_pbs([write])


def _document(snapshot: Any) -> Document:
    version = _utc(snapshot.update_time) if snapshot.exists else None
    return Document(
        id=snapshot.id,
        fields=snapshot.to_dict() or {},
        version=version,
        read_at=_utc(snapshot.read_time),
        path=snapshot.reference.path,
    )


def _utc(moment: datetime | Timestamp) -> datetime:
    # Kept as Google's own type: a version has nanoseconds and must be sent back unchanged.
    if isinstance(moment, Timestamp):  # from queries of a collection group
        return _from_timestamp(moment)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
