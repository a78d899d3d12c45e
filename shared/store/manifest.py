"""What was last written for each record of a stream: a few documents instead of a read each.

A manifest maps a record's id to a mark: STORED with the hash of its POS-owned fields, SKIPPED (an
order that matches no customer) with that of its ``skipped_orders`` document, REMOVED (the POS has
it no more), or ANNOUNCED (about to be stored, so it may be). Behind an order's hash stands when it
was created. Records in quarantine, and those MISSING from the POS's list, have a second entry,
under a prefix; behind the hash of one in quarantine stands when its document was written.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from shared.domain.changes import HASH_BYTES
from shared.store.database import Database
from shared.store.packed_map import PackedMap, shard_path, unpacked

ENTRIES_PER_SHARD = 12_000
"""About 250 KiB with ids as long as those of the POSes known."""

STORED = b"s"
SKIPPED = b"k"
REMOVED = b"r"
ANNOUNCED = b"a"
QUARANTINED = b"q"
MISSING = b"m"
_QUARANTINE_PREFIX = "?"
_MISSING_PREFIX = "!"
_HELD = b"h"
_MOMENT_BYTES = 4


class Manifest(PackedMap[bytes]):
    """One stream's marks. Not safe for threads: its stream's pages take turns. Split by number of
    entries, by size where the ids are long; how many shards there are is part of the org's
    progress."""

    def count(self, mark: bytes) -> int:
        """How many records have the mark."""
        return sum(1 for _ in self.ids(mark))

    def ids(self, mark: bytes) -> Iterator[str]:
        """Ids of the records that have the mark."""
        return (key for key, value in self.items() if value[:1] == mark)

    def mark(self, record_id: str) -> bytes | None:
        """STORED, SKIPPED, REMOVED, ANNOUNCED, or None for a record never seen."""
        value = self.get(record_id)
        return value[:1] if value else None

    def has(self, record_id: str, fingerprint: bytes) -> bool:
        """Whether the record was last written with exactly these fields."""
        return (self.get(record_id) or b"").startswith(STORED + fingerprint)

    def put(self, record_id: str, fingerprint: bytes) -> None:
        """The record is stored with these fields."""
        self.set_entry(record_id, STORED + fingerprint)

    def skipped(self, record_id: str) -> bytes | None:
        """Fingerprint of the document that says why the record was skipped: empty where none was
        written (manifests of earlier versions), None where the record is not skipped."""
        value = self.get(record_id) or b""
        return value[1 : 1 + HASH_BYTES] if value[:1] == SKIPPED else None

    def skip(self, record_id: str, fingerprint: bytes) -> None:
        self.set_entry(record_id, SKIPPED + fingerprint)

    def announce(self, record_id: str) -> None:
        self.set_entry(record_id, ANNOUNCED)

    def remove(self, record_id: str) -> None:
        self.set_entry(record_id, REMOVED)

    def listed(self, record_id: str, created_at: datetime | None = None) -> None:
        """The POS lists the record, which was created then: it is not missing."""
        self.drop_entry(_MISSING_PREFIX + record_id)
        self.set_created(record_id, created_at)

    def set_created(self, record_id: str, created_at: datetime | None) -> None:
        """Keep when a record was created that is stored, or is known to be skipped."""
        value = self.get(record_id) or b""
        if created_at and value[:1] in (STORED, SKIPPED) and len(value) > HASH_BYTES:
            self.set_entry(record_id, value[: 1 + HASH_BYTES] + _moment(created_at))

    def created(self) -> Iterator[tuple[str, float | None]]:
        """Ids of the records that are stored or skipped, each with when it was created (seconds
        since 1970); None for one that was not listed since manifests know that."""
        for record_id, value in self.items():
            if value[:1] in (STORED, SKIPPED):
                moment = value[1 + HASH_BYTES :]
                yield record_id, int.from_bytes(moment) if moment else None

    def miss(self, record_id: str, *, held: bool) -> None:
        """The POS's list lacks the record: it is to be looked up, or ``held``, waits for a
        person."""
        self.set_entry(_MISSING_PREFIX + record_id, MISSING + _HELD * held)

    def missing(self, *, held: bool) -> list[str]:
        """Ids of the records that are to be looked up, or of those that are held."""
        wanted, keys = MISSING + _HELD * held, self.keys_from(_MISSING_PREFIX)
        return [key.removeprefix(_MISSING_PREFIX) for key in keys if self.get(key) == wanted]

    def quarantined(self, record_id: str) -> bytes | None:
        """Fingerprint of what is in quarantine under this id: of the raw record, or of the fields
        that could not be stored. None where nothing is."""
        value = self.get(_QUARANTINE_PREFIX + record_id)
        return value[1 : 1 + HASH_BYTES] if value and value[:1] == QUARANTINED else None

    def quarantined_before(self, record_id: str, moment: datetime) -> bool:
        """Whether the document of a record in quarantine was written before the moment; true where
        that is unknown (manifests of earlier versions)."""
        written = (self.get(_QUARANTINE_PREFIX + record_id) or b"")[1 + HASH_BYTES :]
        return written < _moment(moment)

    def in_quarantine(self) -> Iterator[str]:
        """Ids under which records are in quarantine."""
        return (key.removeprefix(_QUARANTINE_PREFIX) for key in self.ids(QUARANTINED))

    def announce_quarantine(self, record_id: str) -> None:
        """The record is about to be put in quarantine, so it may be there."""
        self.set_entry(_QUARANTINE_PREFIX + record_id, QUARANTINED)

    def quarantine(self, record_id: str, fingerprint: bytes, *, now: datetime) -> None:
        """The record is in quarantine under this fingerprint, of HASH_BYTES."""
        self.set_entry(_QUARANTINE_PREFIX + record_id, QUARANTINED + fingerprint + _moment(now))

    def leave_quarantine(self, record_id: str) -> None:
        self.drop_entry(_QUARANTINE_PREFIX + record_id)

    def forget_fingerprints(self) -> None:
        """Make every document written look changed, so that it is written again (``full``)."""
        for key, value in self.items():
            if value[:1] in (STORED, SKIPPED) and len(value) > 1:
                unknown = value[:1] + bytes(HASH_BYTES)
                self.set_entry(key, unknown + value[1 + HASH_BYTES :])

    def _must_split(self, packed: Mapping[int, bytes]) -> bool:
        too_many = len(self) > self.shards * ENTRIES_PER_SHARD
        return too_many or super()._must_split(packed)

    def _fields_beside(self, count: int) -> dict[str, int]:
        return {"count": count}


def _moment(moment: datetime) -> bytes:
    """Seconds since 1970; later moments sort after earlier ones."""
    seconds: int = min(max(0, int(moment.timestamp())), 256**_MOMENT_BYTES - 1)
    return seconds.to_bytes(_MOMENT_BYTES)


def load(database: Database, org_id: str, shards: Mapping[str, int]) -> dict[str, Manifest]:
    """The manifests of the streams in ``shards``, which has their number of shards."""
    stream_of = {
        shard_path(org_id, stream, shard): stream
        for stream, count in shards.items()
        for shard in range(count)
    }
    marks: dict[str, dict[str, bytes]] = {stream: {} for stream in shards}
    for path, document in database.get_all(list(stream_of)).items():
        marks[stream_of[path]] |= unpacked(document.fields)
    return {name: Manifest(org_id, name, marks[name], count) for name, count in shards.items()}
