"""Documents that a version before has written can be read, and are written alike."""

from shared.store import manifest, packed_map
from shared.store.database import Put
from shared.store.manifest import Manifest
from shared.store.packed_map import Facts, PackedMap
from tests.unit.store.test_packed_map import Kept

MANIFESTS = "tenants/org/sync_manifests"
FINGERPRINT = bytes(range(16))
# Message pack: a map (0x8n) from text (0xan) to bytes (0xc4), or to an array (0x9n).
MARKS = b"\x82\xa17\xc4\x11s" + FINGERPRINT + b"\xa2?8\xc4\x02q\x01"
FACTS = b"\x81\xa17\x93\xa1a\x05\xc0"


def test_a_manifest_as_stored_before_is_read() -> None:
    # Given
    database = Kept()
    database.documents = {f"{MANIFESTS}/orders-0": {"entries": MARKS, "count": 2}}
    # When
    found = manifest.load(database, "org", {"orders": 1})["orders"]
    # Then
    assert found.has("7", FINGERPRINT)
    assert found.quarantined("8") == b"\x01"
    assert (found.shards, found.take_writes()) == (1, [])


def test_a_manifest_is_stored_as_before() -> None:
    marks = Manifest("org", "orders", {}, shards=1)
    marks.put("7", FINGERPRINT)
    marks.quarantine("8", b"\x01")
    assert marks.take_writes() == [
        Put(f"{MANIFESTS}/orders-0", {"entries": MARKS, "count": 2}),
    ]


def test_a_manifest_is_split_by_its_number_of_entries() -> None:
    # Given one entry more than a document holds
    marks = Manifest("org", "orders", {}, shards=1)
    for number in range(manifest.ENTRIES_PER_SHARD + 1):
        marks.skip(str(number), FINGERPRINT)
    # When
    written = marks.take_writes()
    # Then it stands in two documents, each with its count, and is read from both
    database = Kept()
    database.documents = {write.path: write.fields for write in written}
    assert sorted(database.documents) == [f"{MANIFESTS}/orders-{n}" for n in (0, 1)]
    counts = [fields["count"] for fields in database.documents.values()]
    assert sum(counts) == manifest.ENTRIES_PER_SHARD + 1
    again = manifest.load(database, "org", {"orders": marks.shards})["orders"]
    assert again.count(manifest.SKIPPED) == manifest.ENTRIES_PER_SHARD + 1


def test_a_packed_map_as_stored_before_is_read() -> None:
    # Given
    database = Kept()
    path = f"{MANIFESTS}/prices-0"
    database.documents = {path: {"entries": FACTS, "shards": 1}}
    # When
    found = packed_map.load(database, "org", "prices")
    # Then
    assert dict(found.items()) == {"7": ["a", 5, None]}
    assert packed_map.facts_of(database, "org", "prices", "7") == ["a", 5, None]


def test_a_packed_map_is_stored_as_before() -> None:
    facts = PackedMap[Facts]("org", "prices", {}, 1)
    facts.set_entry("7", ["a", 5, None])
    path = f"{MANIFESTS}/prices-0"
    assert facts.take_writes() == [Put(path, {"entries": FACTS, "shards": 1})]
