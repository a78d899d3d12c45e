"""Many small facts by record id in a few documents: a read or two instead of one per record.

They stand packed in the one large field that is exempt from indexing, in as many documents
("shards") as keep each well below Firestore's limit of 1 MiB. The first shard says how many.
"""

import zlib
from collections.abc import Collection, Iterator
from typing import Any

import msgpack

from shared.store import paths
from shared.store.database import Database, Put

SHARD_BYTES = 600_000

Facts = list[Any]
"""What one record has: values that msgpack knows."""


class PackedMap:
    """Facts by id, whole in memory. Not safe for threads."""

    def __init__(
        self,
        org_id: str,
        name: str,
        facts: dict[str, Facts],
        shards: int,
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self._org_id = org_id
        self._name = name
        self._facts = facts
        self._shards = shards
        self._shard_bytes = shard_bytes
        self._dirty: set[int] = set()

    def get(self, record_id: str) -> Facts | None:
        return self._facts.get(record_id)

    def items(self) -> Iterator[tuple[str, Facts]]:
        """All ids with their facts; the map may be changed meanwhile."""
        return iter(list(self._facts.items()))

    def put(self, record_id: str, facts: Facts) -> None:
        if self._facts.get(record_id) != facts:
            self._facts[record_id] = facts
            self._dirty.add(self.shard(record_id))

    def remove(self, record_id: str) -> None:
        if self._facts.pop(record_id, None) is not None:
            self._dirty.add(self.shard(record_id))

    def keep_only(self, record_ids: Collection[str]) -> None:
        """Remove all others."""
        for record_id in [key for key in self._facts if key not in record_ids]:
            self.remove(record_id)

    def take_writes(self) -> list[Put]:
        """Writes that make what is stored equal to this. To be committed after the records that
        it speaks of: a crash in between only repeats what was done for them."""
        if not self._dirty:
            return []
        packed = self._packed()
        while max(map(len, packed.values()), default=0) > self._shard_bytes and self._can_split():
            self._shards *= 2
            self._dirty = set(range(self._shards))
            packed = self._packed()
        self._dirty = set()
        return [
            Put(_path(self._org_id, self._name, shard), {"entries": data, "shards": self._shards})
            for shard, data in sorted(packed.items())
        ]

    def _packed(self) -> dict[int, bytes]:
        split: dict[int, dict[str, Facts]] = {shard: {} for shard in self._dirty}
        for record_id, facts in self._facts.items():
            if (shard := self.shard(record_id)) in split:
                split[shard][record_id] = facts
        return {shard: msgpack.packb(facts) for shard, facts in split.items()}

    def _can_split(self) -> bool:
        return self._shards < len(self._facts)

    def shard(self, record_id: str) -> int:
        """Which of the documents holds the record."""
        return shard_of(record_id, self._shards)


def load(database: Database, org_id: str, name: str, shard_bytes: int = SHARD_BYTES) -> PackedMap:
    """The map of that name; an empty one where none was ever kept. ``shard_bytes``: the size
    from which a shard is split; small ones suit a map that is written a part at a time."""
    first = database.get(_path(org_id, name, 0))
    shards = int(first.fields.get("shards", 1))
    facts: dict[str, Facts] = _entries(first.fields)
    if shards > 1:
        rest = [_path(org_id, name, shard) for shard in range(1, shards)]
        for document in database.get_all(rest).values():
            facts |= _entries(document.fields)
    return PackedMap(org_id, name, facts, shards, shard_bytes)


def facts_of(database: Database, org_id: str, name: str, record_id: str) -> Facts | None:
    """One record's facts, without the rest of the map. At most two reads."""
    first = database.get(_path(org_id, name, 0))
    shard = shard_of(record_id, int(first.fields.get("shards", 1)))
    fields = database.get(_path(org_id, name, shard)).fields if shard else first.fields
    return _entries(fields).get(record_id)


def shard_of(record_id: str, shards: int) -> int:
    """Which of so many shards holds the record."""
    return zlib.crc32(record_id.encode()) % shards


def _entries(fields: Any) -> dict[str, Facts]:
    packed = fields.get("entries")
    entries: dict[str, Facts] = msgpack.unpackb(packed) if packed else {}
    return entries


def _path(org_id: str, name: str, shard: int) -> str:
    return f"{paths.manifests(org_id)}/{name}-{shard}"
