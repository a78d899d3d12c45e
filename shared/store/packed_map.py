"""Many small values by record id in a few documents: a read or two instead of one per record.

They are packed into the one large field that is exempt from indexing, in as many documents
("shards", by a hash of the id) as keep each well below Firestore's limit of 1 MiB.
"""

import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Generic, TypeVar

import msgpack

from shared.store import paths
from shared.store.database import Database, Fields, Put

SHARD_BYTES = 600_000

Facts = list[Any]
"""What one record has: values that msgpack knows."""

V = TypeVar("V")


class PackedMap(Generic[V]):
    """Values by id, whole in memory; each is unpacked when it is asked for. Not safe for threads.
    A shard is split once it is larger than ``shard_bytes``."""

    shard_bytes = SHARD_BYTES

    def __init__(self, org_id: str, name: str, packed: dict[str, Any], shards: int) -> None:
        self.shards = shards
        self._org_id = org_id
        self._name = name
        self._packed = packed
        self._dirty: set[int] = set()

    def pack(self, value: V) -> Any:
        """The value as msgpack can store it, equal for equal values."""
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
            self._dirty.add(self.shard(record_id))

    def drop_entry(self, record_id: str) -> None:
        if self._packed.pop(record_id, None) is not None:
            self._dirty.add(self.shard(record_id))

    def keep_entries(self, record_ids: Collection[str]) -> None:
        """Drop all others."""
        for record_id in [key for key in self._packed if key not in record_ids]:
            self.drop_entry(record_id)

    def shard(self, record_id: str) -> int:
        """Which of the documents holds the record."""
        return shard_of(record_id, self.shards)

    def take_writes(self) -> list[Put]:
        """Writes that make the stored map equal to this one. To be committed after the records
        that it is about: a crash in between only repeats what was done for them."""
        while True:
            parts = self._dirty_parts()
            packed = {shard: msgpack.packb(part) for shard, part in sorted(parts.items())}
            if not self._must_split(packed):
                break
            self.shards *= 2
            self._dirty = set(range(self.shards))
        self._dirty = set()
        writes = []
        for shard, entries in packed.items():
            fields = {"entries": entries, **self._fields_beside(len(parts[shard]))}
            writes.append(Put(shard_path(self._org_id, self._name, shard), fields))
        return writes

    def _must_split(self, packed: Mapping[int, bytes]) -> bool:
        too_large = max(map(len, packed.values()), default=0) > self.shard_bytes
        return too_large and self.shards < len(self)

    def _fields_beside(self, count: int) -> dict[str, int]:
        """What is stored beside the ``count`` values of a shard."""
        return {"shards": self.shards}

    def _dirty_parts(self) -> dict[int, dict[str, Any]]:
        parts: dict[int, dict[str, Any]] = {shard: {} for shard in self._dirty}
        if parts:
            for record_id, packed in self._packed.items():
                if (shard := self.shard(record_id)) in parts:
                    parts[shard][record_id] = packed
        return parts


def load(database: Database, org_id: str, name: str) -> PackedMap[Facts]:
    """The map of that name; an empty one where none was ever stored."""
    return PackedMap(org_id, name, *read(database, org_id, name))


def read(database: Database, org_id: str, name: str) -> tuple[dict[str, Facts], int]:
    """All that is stored in a map, and in how many shards."""
    first = database.get(shard_path(org_id, name, 0))
    shards = int(first.fields.get("shards", 1))
    found: dict[str, Facts] = unpacked(first.fields)
    if shards > 1:
        rest = [shard_path(org_id, name, shard) for shard in range(1, shards)]
        for document in database.get_all(rest).values():
            found |= unpacked(document.fields)
    return found, shards


def facts_of(database: Database, org_id: str, name: str, record_id: str) -> Facts | None:
    """One record's facts, without the rest of the map. At most two reads."""
    first = database.get(shard_path(org_id, name, 0))
    shard = shard_of(record_id, int(first.fields.get("shards", 1)))
    fields = database.get(shard_path(org_id, name, shard)).fields if shard else first.fields
    return unpacked(fields).get(record_id)


def shard_of(record_id: str, shards: int) -> int:
    """Which of so many shards holds the record."""
    return zlib.crc32(record_id.encode()) % shards


def shard_path(org_id: str, name: str, shard: int) -> str:
    return f"{paths.manifests(org_id)}/{name}-{shard}"


def unpacked(fields: Fields) -> dict[str, Any]:
    """The values in a shard's document; none where there is no such document."""
    packed = fields.get("entries")
    values: dict[str, Any] = msgpack.unpackb(packed) if packed else {}
    return values
