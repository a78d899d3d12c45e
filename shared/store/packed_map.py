"""Many small values by record id in a few documents: a read or two instead of one per record.

They are packed into the one large field that is exempt from indexing, in as many documents
("shards", by a hash of the id) as keep each well below Firestore's limit of 1 MiB. Where a change
touches so many shards that they fit no commit, what has changed is appended to a log instead; the
shards are rewritten once the log is as large as they are. Shard 0 is the head: it says how many
shards and logs there are. More shards are a new generation of documents, beside the old one until
the head is switched over. So each single commit leaves a whole map, which is never behind the one
before it (docs/decisions/2026-11-21-bounded-commits.md).
"""

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

import msgpack

from shared.batches import batched
from shared.store import database as store
from shared.store import paths
from shared.store.database import Database, Document, Fields, Put, Remove, Write, weight

SHARD_BYTES = 600_000
REWRITTEN_AT_ONCE = 1_000_000
"""Bytes of shards that a checkpoint rewrites in place, in one commit."""
REWRITTEN_AT_END = 2_000_000
"""The same at the end of a run, after which no log is left."""
LOG_BYTES = 100_000
LOGS = 150
"""Documents of a log at the most, about: they are removed in one commit."""

Facts = list[Any]
"""What one record has: values that msgpack knows."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which documents a map consists of, as its head says. Numbers of logs are used once."""

    shards: int = 1
    generation: int = 0
    first_log: int = 0
    next_log: int = 0

    @classmethod
    def of(cls, head: Fields, shards: int = 1) -> "Layout":
        """As a head has it; ``shards`` where it does not say how many there are."""
        generation, logs = head.get("generation", 0), head.get("logs", (0, 0))
        return cls(head.get("shards", shards), generation, logs[0], logs[1])

    @property
    def logs(self) -> int:
        """How many logs there are."""
        return self.next_log - self.first_log

    @property
    def fields(self) -> dict[str, Any]:
        """As the head has it."""
        fields: dict[str, Any] = {"shards": self.shards}
        if self.generation:
            fields["generation"] = self.generation
        if self.next_log:
            fields["logs"] = [self.first_log, self.next_log]
        return fields

    def shard_path(self, org_id: str, name: str, shard: int) -> str:
        """The path of a shard. The head has the same in every generation."""
        if shard == 0 or self.generation == 0:
            return shard_path(org_id, name, shard)
        return f"{paths.manifests(org_id)}/{name}-g{self.generation}-{shard}"

    def shard_paths(self, org_id: str, name: str) -> list[str]:
        """The paths of the shards but for the head."""
        return [self.shard_path(org_id, name, shard) for shard in range(1, self.shards)]

    def log_paths(self, org_id: str, name: str) -> list[str]:
        """The paths of the logs, the oldest first."""
        numbers = range(self.first_log, self.next_log)
        return [f"{paths.manifests(org_id)}/{name}-log-{number}" for number in numbers]


@dataclass(slots=True)
class Stored:
    """What is stored of a map, in bytes; ``tail``: what the last log says."""

    layout: Layout = Layout()
    shard_bytes: int = 0
    log_bytes: int = 0
    tail: dict[str, Any] = field(default_factory=dict)
    tail_bytes: int = 0


class StoredMap(NamedTuple):
    """A map as read."""

    packed: dict[str, Any]
    shards: int
    stored: Stored


class PackedMap(Generic[V]):
    """Values by id, whole in memory; each is unpacked when it is asked for. Not safe for threads.
    A shard is split once it is larger than ``shard_bytes``."""

    shard_bytes = SHARD_BYTES

    def __init__(
        self,
        org_id: str,
        name: str,
        packed: dict[str, Any],
        shards: int = 1,
        stored: Stored | None = None,
    ) -> None:
        self._org_id = org_id
        self._name = name
        self._packed = packed
        self._stored = stored or Stored(Layout(shards))
        self._changed: dict[str, None] = {}
        self._documents: dict[str, Put] = {}
        self._dirty: set[int] = set()
        if self._stored.log_bytes:
            self._dirty.update(range(self.shards))

    @property
    def shards(self) -> int:
        """In how many documents the map is, but for the log."""
        return self._stored.layout.shards

    def pack(self, value: V) -> Any:
        """The value as msgpack can store it, equal for equal values; not None."""
        return value

    def unpack(self, record_id: str, packed: Any) -> V:
        """What ``pack`` has packed."""
        value: V = packed
        return value

    def __len__(self) -> int:
        return len(self._packed)

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._packed

    def get(self, record_id: str) -> V | None:
        packed = self._packed.get(record_id)
        return None if packed is None else self.unpack(record_id, packed)

    def items(self) -> Iterator[tuple[str, V]]:
        """All ids with their values; the map may be changed meanwhile."""
        return ((key, self.unpack(key, packed)) for key, packed in list(self._packed.items()))

    def keys_from(self, prefix: str) -> list[str]:
        """The ids that begin like that."""
        return [key for key in self._packed if key.startswith(prefix)]

    def set_entry(self, record_id: str, value: V) -> None:
        packed = self.pack(value)
        if self._packed.get(record_id) != packed:
            self._packed[record_id] = packed
            self._changed[record_id] = None

    def drop_entry(self, record_id: str) -> None:
        self._documents.pop(record_id, None)
        if self._packed.pop(record_id, None) is not None:
            self._changed[record_id] = None

    def keep_entries(self, record_ids: Collection[str]) -> None:
        """Drop all others."""
        for record_id in [key for key in self._packed if key not in record_ids]:
            self.drop_entry(record_id)

    def commit_with(self, record_id: str, document: Put) -> None:
        """Store the document in the commit that stores the entry: neither is there without the
        other."""
        self._documents[record_id] = document
        self._changed[record_id] = None

    def withdraw_document(self, record_id: str) -> None:
        """Do not store what ``commit_with`` was given, if it is not stored yet."""
        self._documents.pop(record_id, None)

    @property
    def documents_waiting(self) -> int:
        """How many documents wait for the commit of their entries."""
        return len(self._documents)

    def shard(self, record_id: str) -> int:
        """Which of the documents holds the record."""
        return shard_of(record_id, self.shards)

    def take_writes(self, *, end: bool = False) -> list[list[Write]]:
        """Writes that make the stored map equal to this one, in groups: to be committed in this
        order, each whole, and after the records that they are about. A crash in between only
        repeats what was done for these. At the ``end`` of a run no log is left."""
        stored = self._stored
        if not self._changed and not (end and stored.log_bytes):
            return []
        changed, self._changed = self._changed, {}
        documents, self._documents = self._documents, {}
        self._dirty.update(map(self.shard, changed))
        limit = REWRITTEN_AT_END if end else REWRITTEN_AT_ONCE
        new = len(msgpack.packb({key: self._packed.get(key) for key in changed}))
        rewritten = new + len(self._dirty) * stored.shard_bytes // self.shards
        heavy = len(self._dirty) + stored.layout.logs + rewritten // store.BYTES_PER_WRITE
        fits = heavy + weight(documents.values()) <= store.WRITES_PER_COMMIT
        if fits and rewritten <= limit:
            return [[*chain.from_iterable(self._rewrite()), *documents.values()]]
        groups = self._append(changed, documents)
        if end or stored.log_bytes > stored.shard_bytes or stored.layout.logs > LOGS:
            groups += self._rewrite()
        return groups

    def _append(
        self, changed: Mapping[str, None], documents: Mapping[str, Put]
    ) -> list[list[Write]]:
        """The groups that add to the log what has changed, each with its documents."""

        def size(key: str) -> int:
            entry = len(msgpack.packb((key, self._packed.get(key))))
            document = documents.get(key)
            heavy = weight((document,)) * store.BYTES_PER_WRITE if document else 0
            return max(entry, heavy // 10)

        stored, groups = self._stored, list[list[Write]]()
        for keys in batched(changed, LOG_BYTES, size):
            group: list[Write] = []
            new = {key: self._packed.get(key) for key in keys}
            new_bytes = len(msgpack.packb(new))
            if not stored.tail or stored.tail_bytes + new_bytes > LOG_BYTES:
                layout = replace(stored.layout, next_log=stored.layout.next_log + 1)
                stored.layout, stored.tail, stored.tail_bytes = layout, {}, 0
                head = layout.shard_path(self._org_id, self._name, 0)
                group.append(Put(head, layout.fields, owned=("shards", "generation", "logs")))
            stored.tail |= new
            stored.tail_bytes += new_bytes
            stored.log_bytes += new_bytes
            path = stored.layout.log_paths(self._org_id, self._name)[-1]
            group.append(Put(path, {"entries": msgpack.packb(stored.tail)}))
            groups.append([*group, *(documents[key] for key in keys if key in documents)])
        return groups

    def _rewrite(self) -> list[list[Write]]:
        """The groups that rewrite the shards that differ; the last of them switches to what the
        others have prepared, and removes what is no longer needed."""
        before = self._stored.layout
        obsolete = before.log_paths(self._org_id, self._name)
        layout = replace(before, first_log=before.next_log)
        if obsolete:
            self._dirty.add(0)
        while self._must_split(packed := self._packed_shards(layout.shards)):
            if layout.shards == before.shards:
                obsolete += before.shard_paths(self._org_id, self._name)
            layout = replace(layout, shards=layout.shards * 2, generation=before.generation + 1)
            self._stored.layout = layout
            self._dirty = set(range(layout.shards))
        puts = {
            shard: Put(
                layout.shard_path(self._org_id, self._name, shard),
                {"entries": entries, "count": count, **({} if shard else layout.fields)},
            )
            for shard, (entries, count) in packed.items()
        }
        rewritten = sum(len(entries) for entries, _ in packed.values())
        average = self._stored.shard_bytes // before.shards
        others = (layout.shards - len(packed)) * average
        self._stored, self._dirty = Stored(layout, shard_bytes=rewritten + others), set()
        groups: list[list[Write]] = [[put] for shard, put in puts.items() if shard]
        head: list[Write] = [puts[0]] if 0 in puts else []
        return [*groups, [*head, *map(Remove, obsolete)]]

    def _must_split(self, packed: Mapping[int, tuple[bytes, int]]) -> bool:
        too_large = max((len(entries) for entries, _ in packed.values()), default=0)
        return too_large > self.shard_bytes and self.shards < len(self)

    def _packed_shards(self, shards: int) -> dict[int, tuple[bytes, int]]:
        """The shards that differ from what is stored, packed, each with its number of entries."""
        parts: dict[int, dict[str, Any]] = {shard: {} for shard in sorted(self._dirty)}
        if parts:
            for record_id, packed in self._packed.items():
                if (shard := shard_of(record_id, shards)) in parts:
                    parts[shard][record_id] = packed
        return {shard: (msgpack.packb(part), len(part)) for shard, part in parts.items()}


def load(database: Database, org_id: str, name: str) -> PackedMap[Facts]:
    """The map of that name; an empty one where none was ever stored."""
    return PackedMap(org_id, name, *read(database, org_id, name))


def read(database: Database, org_id: str, name: str) -> StoredMap:
    """All that is stored in a map."""
    return read_all(database, org_id, {name: 1})[name]


def read_all(database: Database, org_id: str, shards: Mapping[str, int]) -> dict[str, StoredMap]:
    """All that is stored in some maps, by their names; ``shards`` has the number of documents of
    those whose heads do not say it."""
    layouts: dict[str, Layout] = {}

    def rest(heads: Mapping[str, Document]) -> list[str]:
        for name, count in shards.items():
            layouts[name] = Layout.of(heads[shard_path(org_id, name, 0)].fields, count)
        return [
            path
            for name, layout in layouts.items()
            for path in (*layout.shard_paths(org_id, name), *layout.log_paths(org_id, name))
        ]

    found = _consistent(database, [shard_path(org_id, name, 0) for name in shards], rest)
    return {
        name: _merged(
            layout,
            [found[shard_path(org_id, name, 0)]]
            + [found[path] for path in layout.shard_paths(org_id, name)],
            [found[path] for path in layout.log_paths(org_id, name)],
        )
        for name, layout in layouts.items()
    }


def facts_of(database: Database, org_id: str, name: str, record_id: str) -> Facts | None:
    """One record's facts, without the rest of the map. At most two reads, and those of the log
    that a large map has during a run."""
    head_path = shard_path(org_id, name, 0)
    wanted: list[str] = []

    def rest(heads: Mapping[str, Document]) -> list[str]:
        layout = Layout.of(heads[head_path].fields)
        shard = layout.shard_path(org_id, name, shard_of(record_id, layout.shards))
        wanted[:] = [shard, *layout.log_paths(org_id, name)]
        return [path for path in wanted if path != head_path]

    found = _consistent(database, [head_path], rest)
    for path in reversed(wanted):
        values = unpacked(found[path].fields)
        if record_id in values:
            facts: Facts | None = values[record_id]
            return facts
    return None


def _consistent(
    database: Database,
    head_paths: Sequence[str],
    rest: Callable[[Mapping[str, Document]], list[str]],
) -> dict[str, Document]:
    """The heads and the documents that by them are the ``rest``. Where one of these is missing,
    the head has been switched over meanwhile: they are read again. What is missing though the
    heads have not changed is empty."""
    before: list[datetime | None] | None = None
    while True:
        heads = database.get_all(head_paths)
        others = rest(heads)
        found = database.get_all(others) if others else {}
        versions = [heads[path].version for path in head_paths]
        if versions == before or all(document.exists for document in found.values()):
            return heads | found
        before = versions


def _merged(layout: Layout, shards: Sequence[Document], logs: Sequence[Document]) -> StoredMap:
    entries: dict[str, Any] = {}
    for document in shards:
        entries |= unpacked(document.fields)
    for document in logs:
        for key, value in unpacked(document.fields).items():
            if value is None:
                entries.pop(key, None)
            else:
                entries[key] = value
    stored = Stored(layout, shard_bytes=_bytes(shards), log_bytes=_bytes(logs))
    return StoredMap(entries, layout.shards, stored)


def _bytes(documents: Sequence[Document]) -> int:
    return sum(len(document.fields.get("entries", b"")) for document in documents)


def shard_of(record_id: str, shards: int) -> int:
    """Which of so many shards holds the record."""
    return zlib.crc32(record_id.encode()) % shards


def shard_path(org_id: str, name: str, shard: int) -> str:
    return f"{paths.manifests(org_id)}/{name}-{shard}"


def unpacked(fields: Fields) -> dict[str, Any]:
    """The values in a shard's or a log's document; none where there is no such document."""
    packed = fields.get("entries")
    values: dict[str, Any] = msgpack.unpackb(packed) if packed else {}
    return values
