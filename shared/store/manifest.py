"""What was last written for each record of a stream: a few documents instead of a read each.

A manifest maps a record's id to a mark: STORED with the hash of its POS-owned fields, SKIPPED (an
order that matches no customer) with that of its ``skipped_orders`` document, REMOVED (a product
the POS dropped), or ANNOUNCED (it is about to be stored: whoever finds it so knows that it may be).
Records in quarantine stand beside them under an id of their own. It is kept in shards by a hash of
the id, each well below Firestore's limit of 1 MiB; its one large field is exempt from indexing.
"""

import zlib
from collections.abc import Iterable, Iterator

import msgpack

from shared.domain.fingerprint import HASH_BYTES
from shared.store import paths
from shared.store.database import Database, Put

ENTRIES_PER_SHARD = 12_000
"""About 250 KiB with ids as long as those of the POSes known."""

STORED = b"s"
SKIPPED = b"k"
REMOVED = b"r"
ANNOUNCED = b"a"
QUARANTINED = b"q"
_QUARANTINE_PREFIX = "?"


class Manifest:
    """One stream's marks, whole in memory. Not safe for threads: its stream's pages take turns."""

    def __init__(self, org_id: str, stream: str, marks: dict[str, bytes], shards: int) -> None:
        self.stream = stream
        self._org_id = org_id
        self._marks = marks
        self._shards = shards
        self._dirty: set[int] = set()

    @property
    def shards(self) -> int:
        """How many documents it is kept in: needed to read it again."""
        return self._shards

    def count(self, mark: bytes) -> int:
        """How many records bear the mark."""
        return sum(1 for value in self._marks.values() if value[:1] == mark)

    def ids(self, mark: bytes) -> Iterator[str]:
        """Ids of the records that bear the mark."""
        return (key for key, value in self._marks.items() if value[:1] == mark)

    def mark(self, record_id: str) -> bytes | None:
        """STORED, SKIPPED, REMOVED, ANNOUNCED, or None for a record never seen."""
        value = self._marks.get(record_id)
        return value[:1] if value else None

    def has(self, record_id: str, fingerprint: bytes) -> bool:
        """Whether the record was last written with just these fields."""
        return self._marks.get(record_id) == STORED + fingerprint

    def put(self, record_id: str, fingerprint: bytes) -> None:
        """The record is stored with these fields."""
        self._set(record_id, STORED + fingerprint)

    def skipped(self, record_id: str) -> bytes | None:
        """Fingerprint of the document that says why the record was skipped: empty where none was
        written (manifests of earlier versions), None where the record is not skipped."""
        value = self._marks.get(record_id, b"")
        return value[1:] if value[:1] == SKIPPED else None

    def skip(self, record_id: str, fingerprint: bytes) -> None:
        self._set(record_id, SKIPPED + fingerprint)

    def announce(self, record_id: str) -> None:
        self._set(record_id, ANNOUNCED)

    def remove(self, record_id: str) -> None:
        self._set(record_id, REMOVED)

    def quarantined(self, record_id: str) -> bytes | None:
        """Fingerprint of the raw record that is in quarantine under this id, if one is."""
        value = self._marks.get(_QUARANTINE_PREFIX + record_id)
        return value[1:] if value else None

    def in_quarantine(self) -> Iterator[str]:
        """Ids under which records are in quarantine."""
        return (key.removeprefix(_QUARANTINE_PREFIX) for key in self.ids(QUARANTINED))

    def quarantine(self, record_id: str, fingerprint: bytes) -> None:
        self._set(_QUARANTINE_PREFIX + record_id, QUARANTINED + fingerprint)

    def leave_quarantine(self, record_id: str) -> None:
        key = _QUARANTINE_PREFIX + record_id
        if self._marks.pop(key, None) is not None:
            self._dirty.add(self._shard(key))

    def forget_fingerprints(self) -> None:
        """Make every document written look changed, so that it is written again (``full``)."""
        for key, value in list(self._marks.items()):
            if value[:1] in (STORED, SKIPPED) and len(value) > 1:
                self._set(key, value[:1] + bytes(HASH_BYTES))

    def take_writes(self) -> list[Put]:
        """Writes that make the stored manifest equal to this one. To be committed after the
        records that it speaks of: a crash in between only writes these again."""
        while len(self._marks) > self._shards * ENTRIES_PER_SHARD:
            self._shards *= 2
            self._dirty = set(range(self._shards))
        split: dict[int, dict[str, bytes]] = {shard: {} for shard in self._dirty}
        if split:
            for key, value in self._marks.items():
                if (shard := self._shard(key)) in split:
                    split[shard][key] = value
        self._dirty = set()
        return [
            Put(
                f"{paths.manifests(self._org_id)}/{self.stream}-{shard}",
                {"entries": msgpack.packb(marks), "count": len(marks)},
            )
            for shard, marks in sorted(split.items())
        ]

    def _set(self, key: str, value: bytes) -> None:
        if self._marks.get(key) != value:
            self._marks[key] = value
            self._dirty.add(self._shard(key))

    def _shard(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self._shards


def load(database: Database, org_id: str, shards: dict[str, int]) -> dict[str, Manifest]:
    """The manifests of the streams named in ``shards``, which tells their number of shards."""
    wanted = {
        f"{paths.manifests(org_id)}/{stream}-{shard}": stream
        for stream, count in shards.items()
        for shard in range(count)
    }
    marks: dict[str, dict[str, bytes]] = {stream: {} for stream in shards}
    for path, document in database.get_all(list(wanted)).items():
        if document.exists:
            marks[wanted[path]].update(_entries(document.fields["entries"]))
    return {
        stream: Manifest(org_id, stream, marks[stream], count) for stream, count in shards.items()
    }


def _entries(packed: bytes) -> Iterable[tuple[str, bytes]]:
    entries: dict[str, bytes] = msgpack.unpackb(packed)
    return entries.items()
