"""The only access to Firestore: every read and write is counted, as it is billed, and has a time
limit."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count
from typing import Any, TypeVar

from google.api_core import exceptions
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore
from google.cloud.firestore_v1.base_client import DEFAULT_DATABASE
from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.types import Write as EncodedWrite
from google.protobuf.timestamp_pb2 import Timestamp

from shared import tracing
from shared.batches import batched
from shared.store.answers import RawQuery, fields_of, path_of
from shared.store.writes import Create as Create
from shared.store.writes import Fields as Fields
from shared.store.writes import Put as Put
from shared.store.writes import Remove as Remove
from shared.store.writes import Update as Update
from shared.store.writes import Write as Write
from shared.store.writes import bytes_of, encoded, same_fields

TIMEOUT_SECONDS = 30.0
READS_PER_CALL = 300
IN_LIMIT = 30
"""Values that one ``in`` filter takes."""
LONGEST_FILTERED = 1_500
"""Bytes of a text that a filter takes and an index holds."""
WRITES_PER_COMMIT = 400
"""Below the 500 of the emulator and of older servers, with room for the lease and the like."""
BYTES_PER_WRITE = 10_240
"""A write counts as one for each of these that it begins: a commit has 4 MB, for Firestore takes
10 MiB, what it notes down for the indexes included."""
ENTRIES_PER_READ = 1000
"""Index entries that Firestore counts or sums for the price of one document."""

Filter = tuple[str, str, object]
T = TypeVar("T")

_CONFLICTS = (exceptions.FailedPrecondition, exceptions.AlreadyExists, exceptions.NotFound)
_SENT_AGAIN = (exceptions.Aborted, exceptions.ResourceExhausted, exceptions.ServiceUnavailable)
_READ_AGAIN = (
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
)

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


class Contention(Exception):
    """Others kept writing the same documents at the same moment: nothing of the commit was
    written. That says nothing about their versions."""


class WriteRefused(Exception):
    """Firestore accepts no such write, however often it is sent: a document is too large, its id
    reserved, or the like. Nothing of the commit was written."""


class TimedOut(Exception):
    """Firestore did not answer within the time limit of ``Database.within``."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a commit is sent again: random, so that those who meet once do not
    meet again; up to twice as long each time."""

    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random
    first_seconds: float = 0.1
    longest_seconds: float = 5.0

    def seconds(self, attempt: int) -> float:
        """Before another attempt than the first, which has the number 0."""
        longest: float = min(self.longest_seconds, self.first_seconds * 2**attempt)
        return longest * (0.5 + self.draw() / 2)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many documents there are, and the sums of their fields."""

    count: int
    sums: Mapping[str, float]


class Database:
    """A Firestore database. ``meter`` counts what is billed to this user of it; ``name`` is the
    one that the client was made for."""

    def __init__(
        self,
        client: firestore.Client,
        meter: Meter | None = None,
        ends_at: float | None = None,
        backoff: Backoff | None = None,
        name: str = DEFAULT_DATABASE,
    ) -> None:
        self._client = client
        self._name = name
        self._backoff = backoff or Backoff()
        self._documents = f"projects/{client.project}/databases/{name}/documents"
        self._ends_at = ends_at
        self.meter = meter or Meter()

    def metered(self) -> "Database":
        """The same database with a meter of its own."""
        return Database(self._client, backoff=self._backoff, name=self._name)

    def within(self, seconds: float) -> "Database":
        """The same database, with one time limit for all reads together. They raise TimedOut when
        it has passed, or when Firestore is unavailable. Commits are sent again until then only."""
        ends_at = time.monotonic() + seconds
        return Database(self._client, self.meter, ends_at, self._backoff, self._name)

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
                # Where the answer breaks off the client library leaves it at that.
                read = partial(self._read_batch, refs, fields, limits)
                for snapshot in limits["retry"](read)():
                    found[snapshot.reference.path] = _document(snapshot)
            self.meter.add(reads=len(refs))
        return found

    def _read_batch(
        self, refs: list[Any], fields: Sequence[str] | None, limits: Mapping[str, Any]
    ) -> list[Any]:
        return list(self._client.get_all(refs, fields, **limits))

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
        ``everywhere``: of the collection group of that name, where an id is the whole path."""
        query = self._filtered(collection, filters, everywhere=everywhere)
        for name, direction in order_by:
            query = query.order_by(name, direction=direction)
        if select is not None:
            # A query that is resumed goes on behind what the last document has in these.
            ordered = (name for name, _ in order_by if name != FieldPath.document_id())
            query = query.select(list(dict.fromkeys((*select, *ordered))))
        if after is not None:
            values = dict(after)
            if everywhere and (path := values.get(FieldPath.document_id())):
                values[FieldPath.document_id()] = self._client.document(path)
            query = query.start_after(values)
        if limit is not None:
            query = query.limit(limit)
        found = 0
        with self._limited() as limits:
            for document in self._answers(query, limits):
                if found == limit:  # one that broke off and is resumed has its limit anew
                    break
                found += 1
                yield document
        self.meter.add(reads=max(1, found))

    def _answers(self, query: Any, limits: Mapping[str, Any]) -> Iterator[Document]:
        if not isinstance(query, RawQuery):
            yield from map(_document, query.stream(**limits))
            return
        again = if_exception_type(*_READ_AGAIN) if self._ends_at is None else if_exception_type()
        for answer in query.answers(again, **limits):
            path = path_of(answer.document)
            yield Document(
                id=path.rpartition("/")[2],
                fields=fields_of(answer.document, self._client),
                version=_utc(answer.document.update_time),
                read_at=_utc(answer.read_time),
                path=path,
            )

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

    def collections_below(self, path: str) -> list[str]:
        """Paths of the collections right below a document, which need not exist. One read."""
        document = self._client.document(path)
        with self._limited() as limits:
            found = [f"{path}/{each.id}" for each in document.collections(**limits)]
        self.meter.add(reads=1)
        return found

    def ids(self, collection: str) -> Iterator[str]:
        """Ids of a collection's documents, those included that only have collections below."""
        found = 0
        with self._limited() as limits:
            for reference in self._client.collection(collection).list_documents(**limits):
                found += 1
                yield reference.id
        self.meter.add(reads=max(1, found))

    def totals(
        self,
        collection: str,
        *filters: Filter,
        sums: Sequence[str] = (),
        order_by: Sequence[tuple[str, str]] = (),
    ) -> Totals:
        """How many documents match, and the sums of some of their fields, without reading them.
        ``order_by`` is for the index of that order; documents without a field of it, or of
        ``sums``, do not match."""
        query = self._filtered(collection, filters)
        for name, direction in order_by:
            query = query.order_by(name, direction=direction)
        aggregation = query.count(alias="count")
        for name in sums:
            aggregation = aggregation.sum(name, alias=name)
        with self._limited() as limits:
            found = {each.alias: each.value for each in aggregation.get(**limits)[0]}
        count = int(found.pop("count"))
        self.meter.add(reads=max(1, -(-count // ENTRIES_PER_READ)))
        return Totals(count, found)

    @tracing.span("commit")
    def commit(self, writes: Iterable[Write]) -> datetime | None:
        """Write all or nothing. Returns the new version of the first document written. Sent again,
        for TIMEOUT_SECONDS at most, while Firestore is unavailable or others write the same.

        Raises Conflict where a required version does not hold, Contention where others kept
        writing the same, WriteRefused where a write is not valid (a reserved id, a document that
        is too large, a value that has no encoding).
        """
        writes = list(writes)
        tracing.note(writes=len(writes))
        if not writes:
            return None
        batch = _Batch(self._client)
        try:
            for write in writes:
                batch.add(encoded(write, self._documents))
        except (TypeError, ValueError) as error:
            raise WriteRefused(type(error).__name__) from error
        try:
            version = self._send(batch, writes)
        except exceptions.Aborted as error:
            raise Contention(str(error.message)) from error
        except exceptions.InvalidArgument as error:
            raise WriteRefused(str(error.message)) from error
        removals = sum(isinstance(write, Remove) for write in writes)
        self.meter.add(writes=len(writes) - removals, deletes=removals)
        return version

    def _send(self, batch: "_Batch", writes: Sequence[Write]) -> datetime | None:
        """Commit, and again while that may help and the time lasts; the version of the first
        document. The client library is told to send it once: it does not repeat what was aborted,
        and repeats the rest past every time limit."""
        ends_at = time.monotonic() + TIMEOUT_SECONDS
        if self._ends_at is not None:
            ends_at = min(ends_at, self._ends_at)
        answer_lost = False
        for attempt in count():
            left = max(0.001, ends_at - time.monotonic())
            try:
                first = batch.commit(retry=None, timeout=left)[0].update_time
            except _CONFLICTS as error:
                if answer_lost and (first := self._if_written(writes)):
                    return first
                raise Conflict(str(error.message)) from error
            except _SENT_AGAIN as error:
                wait = self._backoff.seconds(attempt)
                if time.monotonic() + wait >= ends_at:
                    raise
                answer_lost |= isinstance(error, exceptions.ServiceUnavailable)
                self._backoff.sleep(wait)
            else:
                return _utc(first) if first else None
        raise AssertionError("counting never ends")

    def _if_written(self, writes: Sequence[Write]) -> datetime | None:
        """The version of the first document, where an earlier attempt at the commit was accepted
        though its answer got lost: the next one conflicts with it. What is required of a version
        tells, for its fields are then the commit's own."""
        guards = (write for write in writes if isinstance(write, Create | Update))
        guard = next((g for g in guards if isinstance(g, Create) or g.if_version), None)
        if guard is None:
            return None
        found = self.get_all(list({writes[0].path, guard.path}))
        stored = found[guard.path]
        return found[writes[0].path].version if stored.exists and _is_of(stored, guard) else None

    def _filtered(
        self, collection: str, filters: Iterable[Filter], *, everywhere: bool = False
    ) -> Any:
        query: Any = (
            self._client.collection_group(collection)
            if everywhere
            else RawQuery(self._client.collection(collection))
        )
        for name, operator, value in filters:
            query = query.where(filter=FieldFilter(name, operator, value))
        return query

    @contextmanager
    def _limited(self) -> Iterator[dict[str, Any]]:
        """Arguments that limit a read in time: by itself the client library retries past it, and
        fails where it is to resume a query without having been told how."""
        if self._ends_at is None:
            again = Retry(predicate=if_exception_type(*_READ_AGAIN), timeout=TIMEOUT_SECONDS)
            yield {"timeout": TIMEOUT_SECONDS, "retry": again}
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


def weight(writes: Iterable[Write]) -> int:
    """What the writes count for in a commit, which takes WRITES_PER_COMMIT."""
    return sum(max(1, -(-bytes_of(write) // BYTES_PER_WRITE)) for write in writes)


def commits(writes: Iterable[Write]) -> Iterator[list[Write]]:
    """The writes in parts that Firestore takes in one commit each."""
    return batched(writes, WRITES_PER_COMMIT, lambda write: weight((write,)))


def commits_of(items: Iterable[T], writes_of: Callable[[T], Iterable[Write]]) -> Iterator[list[T]]:
    """Items in parts whose writes Firestore takes in one commit each; an item's own writes are
    never split."""
    return batched(items, WRITES_PER_COMMIT, lambda item: weight(writes_of(item)))


def joined(groups: Iterable[Sequence[Write]]) -> Iterator[list[Write]]:
    """The writes of the groups in such parts, in their order; a group is never split."""
    return (list(chain.from_iterable(part)) for part in commits_of(groups, lambda group: group))


def put_if_version(path: str, fields: Fields, version: datetime | None) -> Write:
    """The write of fields on a document that must still be of that version; None: must not exist.
    A field given as None is removed."""
    if version is not None:
        return Update(path, fields, if_version=version)
    return Create(path, {name: value for name, value in fields.items() if value is not None})


def version_text(version: datetime) -> str:
    """A document's version as callers are given it, to be held against a later one's."""
    nanoseconds = getattr(version, "nanosecond", 0) or version.microsecond * 1000
    return f"{version:%Y%m%dT%H%M%S}.{nanoseconds:09}"


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


def _is_of(stored: Document, write: Create | Update) -> bool:
    """Whether the document is as the write has left it."""
    names = write.fields if isinstance(write, Update) else {**stored.fields, **write.fields}
    there = {name: stored.fields.get(name) for name in names}
    given = {name: write.fields.get(name) for name in names}
    return same_fields(there, given)


def _utc(moment: datetime | Timestamp) -> datetime:
    # Kept as Google's own type: a version has nanoseconds and must be sent back unchanged.
    if isinstance(moment, Timestamp):  # from queries of a collection group
        return _from_timestamp(moment)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
