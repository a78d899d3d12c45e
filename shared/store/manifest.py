"""What was last written for each record of a stream of one provider: a few documents instead of a
read each.

A manifest maps a record's id to a mark: STORED with the hash of its POS-owned fields, SKIPPED (an
order that matches no customer) with that of its ``skipped_orders`` document, REMOVED (the POS has
it no more), or ANNOUNCED (about to be stored, so it may be). Behind an order's hash stands when it
was created, and behind that, of a skipped one, the id of the customer whom it names. Records in
quarantine, and those MISSING from the POS's list, have a second entry, under a prefix; behind the
hash of one in quarantine stands when its document was written.
"""

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime

import msgpack

from shared.domain.changes import HASH_BYTES
from shared.domain.providers import provider_of, scoped
from shared.store.database import Database, Put, Write
from shared.store.packed_map import PackedMap, Stored, read_all

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
_AFTER_MOMENT = 1 + HASH_BYTES + _MOMENT_BYTES
_UNKNOWN = bytes(HASH_BYTES)
"""Fingerprint of no fields: whatever the POS has is written."""
ANNOUNCING = ("products", "discounts")
"""Streams whose new records are announced before they are stored."""


class Manifest(PackedMap[bytes]):
    """One stream's marks. Not safe for threads: its stream's pages take turns. Split by number of
    entries, by size where the ids are long."""

    def __init__(
        self,
        org_id: str,
        name: str,
        packed: dict[str, bytes],
        shards: int = 1,
        stored: Stored | None = None,
    ) -> None:
        super().__init__(org_id, name, packed, shards, stored)
        self._unsettled: set[str] = set()
        self._announces = name.rpartition("_")[2] in ANNOUNCING

    @property
    def name(self) -> str:
        """Its stream's, scoped by provider."""
        return self._name

    def set_entry(self, record_id: str, value: bytes) -> None:
        if self.get(record_id) != value:
            self.unsettle(record_id)
            super().set_entry(record_id, value)

    def drop_entry(self, record_id: str) -> None:
        if record_id in self:
            self.unsettle(record_id)
        super().drop_entry(record_id)

    def take_writes(self, *, end: bool = False) -> list[list[Write]]:
        self._unsettled = set()
        return super().take_writes(end=end)

    def unsettle(self, key: str) -> None:
        """Documents of this entry's record are to change: what is stored of the entry may then be
        wrong. Not where it says so itself."""
        value = self.get(key) or b""
        says_so = value in (ANNOUNCED, QUARANTINED) or value[1 : 1 + HASH_BYTES] == _UNKNOWN
        if not says_so and not key.startswith(_MISSING_PREFIX):
            self._unsettled.add(key)

    @property
    def unsettled(self) -> Collection[str]:
        """The keys of the entries that are not stored as they are."""
        return self._unsettled

    def distrust(self, keys: Iterable[str]) -> None:
        """A worker has died that had changed what these entries are about: the documents may be
        as any version of the record, there or not."""
        for key in keys:
            value = self.get(key) or b""
            if key.startswith(_QUARANTINE_PREFIX):
                self.set_entry(key, QUARANTINED)
            elif self._announces or value[:1] not in (STORED, SKIPPED):
                self.set_entry(key, ANNOUNCED)
            else:
                self.set_entry(key, value[:1] + _UNKNOWN + value[1 + HASH_BYTES :])

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

    def may_have_document(self, record_id: str) -> bool:
        """Whether the record's document may exist: false for a record never seen, and for one that
        is known to be skipped."""
        value = self.get(record_id) or b""
        known = value[:1] in (STORED, REMOVED, ANNOUNCED)
        return known or value[1 : 1 + HASH_BYTES] == _UNKNOWN

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

    def skip(self, record_id: str, fingerprint: bytes, document: Put | None = None) -> None:
        """The record is skipped; ``document`` says why, and is committed along with this."""
        self.set_entry(record_id, SKIPPED + fingerprint)
        if document:
            self.commit_with(record_id, document)

    def wait_for(self, record_id: str, customer_id: str, created_at: datetime) -> None:
        """The skipped order, which was created then, names this customer."""
        value = (self.get(record_id) or b"")[: 1 + HASH_BYTES]
        self.set_entry(record_id, value + _moment(created_at) + customer_id.encode())

    def waiting(self) -> Iterator[tuple[str, str]]:
        """Ids of the skipped orders that name a customer, each with that one's id."""
        for record_id, value in self.items():
            if value[:1] == SKIPPED and len(value) > _AFTER_MOMENT:
                yield record_id, value[_AFTER_MOMENT:].decode()

    def announce(self, record_id: str) -> None:
        self.set_entry(record_id, ANNOUNCED)

    def presume_stored(self, record_id: str) -> None:
        """A record that may be stored is, with fields that are not known."""
        if self.mark(record_id) == ANNOUNCED:
            self.set_entry(record_id, STORED + _UNKNOWN)

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
            named = value[_AFTER_MOMENT:]
            self.set_entry(record_id, value[: 1 + HASH_BYTES] + _moment(created_at) + named)

    def created(self) -> Iterator[tuple[str, float | None]]:
        """Ids of the records that are stored or skipped, or may be, each with when it was created
        (seconds since 1970); None for one that was not listed since manifests know that."""
        for record_id, value in self.items():
            if value[:1] in (STORED, SKIPPED, ANNOUNCED):
                moment = value[1 + HASH_BYTES : _AFTER_MOMENT]
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

    def quarantine(
        self, record_id: str, fingerprint: bytes, document: Put | None = None, *, now: datetime
    ) -> None:
        """Something is in quarantine under this id, with a fingerprint of HASH_BYTES. ``document``,
        where it is not stored before, is committed along with this."""
        key = _QUARANTINE_PREFIX + record_id
        self.withdraw_document(key)
        self.set_entry(key, QUARANTINED + fingerprint + _moment(now))
        if document:
            self.commit_with(key, document)

    def leave_quarantine(self, record_id: str) -> None:
        self.drop_entry(_QUARANTINE_PREFIX + record_id)

    def forget_fingerprint(self, record_id: str) -> None:
        """Make a record look changed, if it is stored: it is written again."""
        value = self.get(record_id) or b""
        if value[:1] == STORED:
            self.set_entry(record_id, STORED + _UNKNOWN + value[1 + HASH_BYTES :])

    def adopt(self, record_id: str) -> None:
        """Take a document that no run knows of for that of a record, with fields that are not
        known: so that it can be found to be missing at the POS."""
        if self.mark(record_id) != STORED:
            self.set_entry(record_id, STORED + _UNKNOWN)

    def forget_fingerprints(self) -> None:
        """Make every document written look changed, so that it is written again (``full``)."""
        for key, value in self.items():
            if value[:1] in (STORED, SKIPPED) and len(value) > 1:
                self.set_entry(key, value[:1] + _UNKNOWN + value[1 + HASH_BYTES :])

    def _must_split(self, packed: Mapping[int, tuple[bytes, int]]) -> bool:
        too_many = len(self) > self.shards * ENTRIES_PER_SHARD
        return too_many or super()._must_split(packed)


def _moment(moment: datetime) -> bytes:
    """Seconds since 1970; later moments sort after earlier ones."""
    seconds: int = min(max(0, int(moment.timestamp())), 256**_MOMENT_BYTES - 1)
    return seconds.to_bytes(_MOMENT_BYTES)


def load(
    database: Database, org_id: str, provider: str, shards: Mapping[str, int]
) -> dict[str, Manifest]:
    """A provider's manifests of the streams in ``shards``, which has the number of documents of
    those that an earlier version has stored."""
    names = {scoped(provider, stream): stream for stream in shards}
    found = read_all(database, org_id, {name: shards[names[name]] for name in names})
    return {names[name]: Manifest(org_id, name, *stored) for name, stored in found.items()}


def unsettled(manifests: Mapping[str, Manifest]) -> bytes:
    """What the lease document is to say of records whose documents change before the manifests do:
    the keys of their entries by manifest, packed."""
    keys = {m.name: sorted(m.unsettled) for m in manifests.values() if m.unsettled}
    return zlib.compress(msgpack.packb(keys), 1) if keys else b""


def distrust(manifests: Mapping[str, Manifest], left: bytes) -> None:
    """Trust no entry that a worker has ``left`` unsettled; those of other manifests stay so."""
    by_name, keys = {m.name: m for m in manifests.values()}, _keys(left)
    for name in keys.keys() & by_name.keys():
        by_name[name].distrust(keys[name])


def unsettled_provider(left: bytes) -> str | None:
    """The provider whose entries a worker has ``left`` unsettled; None where there are none. It
    is one at the most: a session leaves none when it is over."""
    return next(map(provider_of, _keys(left)), None)


def without(left: bytes, is_erased: Callable[[str], bool]) -> bytes:
    """What a worker has ``left`` unsettled, without the entries of records that are erased."""
    kept = {n: [k for k in keys if not is_erased(record_of(k))] for n, keys in _keys(left).items()}
    named = {name: keys for name, keys in kept.items() if keys}
    return zlib.compress(msgpack.packb(named), 1) if named else b""


def record_of(key: str) -> str:
    """The id of the record that an entry is about."""
    return key[1:] if key[:1] in (_QUARANTINE_PREFIX, _MISSING_PREFIX) else key


def customer_named(value: bytes) -> str | None:
    """The id of the customer whom a skipped order's entry names."""
    named = value[:1] == SKIPPED and len(value) > _AFTER_MOMENT
    return value[_AFTER_MOMENT:].decode() if named else None


def _keys(left: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = msgpack.unpackb(zlib.decompress(left)) if left else {}
    return found
