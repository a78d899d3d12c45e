"""Documents that a version before has written can be read, and are written alike."""

from datetime import UTC, datetime, timedelta

from shared.domain.changes import HASH_BYTES
from shared.store import manifest, packed_map
from shared.store.database import Put
from shared.store.manifest import Manifest
from shared.store.packed_map import Facts, PackedMap
from shared.store.status import SyncProgress
from tests.unit.store.test_packed_map import Kept

MANIFESTS = "tenants/org/sync_manifests"
FINGERPRINT = bytes(range(16))
# Message pack: a map (0x8n) from text (0xan) to bytes (0xc4), or to an array (0x9n).
MARKS = b"\x82\xa17\xc4\x11s" + FINGERPRINT + b"\xa2?8\xc4\x0dq" + bytes(range(1, 13))
UNDATED = b"\x82\xa17\xc4\x11s" + FINGERPRINT + b"\xa2?8\xc4\x02q\x01"
"""As versions wrote it that did not keep when a record was put in quarantine."""
FACTS = b"\x81\xa17\x93\xa1a\x05\xc0"


def test_a_manifest_as_stored_before_is_read() -> None:
    # Given
    database = Kept()
    for marks, in_quarantine in ((MARKS, bytes(range(1, 9))), (UNDATED, b"\x01")):
        database.documents = {f"{MANIFESTS}/orders-0": {"entries": marks, "count": 2}}
        # When
        found = manifest.load(database, "org", "alleaves", {"orders": 1})["orders"]
        # Then
        assert found.has("7", FINGERPRINT)
        assert found.quarantined("8") == in_quarantine
        assert (found.shards, found.take_writes()) == (1, [])


def test_a_manifest_is_stored_as_before() -> None:
    marks = Manifest("org", "orders", {}, shards=1)
    marks.put("7", FINGERPRINT)
    marks.quarantine("8", bytes(range(1, 9)), now=datetime.fromtimestamp(0x090A0B0C, UTC))
    assert marks.take_writes() == [
        [Put(f"{MANIFESTS}/orders-0", {"entries": MARKS, "count": 2, "shards": 1})],
    ]


def test_a_manifest_is_split_by_its_number_of_entries() -> None:
    # Given one entry more than a document holds
    marks = Manifest("org", "orders", {}, shards=1)
    for number in range(manifest.ENTRIES_PER_SHARD + 1):
        marks.skip(str(number), FINGERPRINT)
    # When
    database = Kept()
    database.keep(marks)
    # Then it stands in two documents, each with its count, and is read from both
    assert sorted(database.documents) == [f"{MANIFESTS}/orders-{n}" for n in ("0", "g1-1")]
    counts = [fields["count"] for fields in database.documents.values()]
    assert sum(counts) == manifest.ENTRIES_PER_SHARD + 1
    again = manifest.load(database, "org", "alleaves", {"orders": marks.shards})["orders"]
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
    assert facts.take_writes() == [[Put(path, {"entries": FACTS, "count": 1, "shards": 1})]]


def test_a_manifest_keeps_when_an_order_was_created_beside_its_fingerprint() -> None:
    # Given an order that a version before has stored, and one with its moment
    short, at = bytes(range(HASH_BYTES)), datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
    marks = Manifest("org", "orders", {"1": b"s" + short, "2": b"s" + short}, shards=1)
    marks.listed("2", at)
    # Then both are unchanged, and a listing again changes nothing
    assert marks.has("1", short)
    assert marks.has("2", short)
    assert dict(marks.created()) == {"1": None, "2": at.timestamp()}
    marks.take_writes()
    marks.listed("2", at)
    assert marks.take_writes() == []
    # And a full run forgets the fingerprint alone
    marks.forget_fingerprints()
    assert not marks.has("2", short)
    assert dict(marks.created())["2"] == at.timestamp()


def test_a_manifest_keeps_which_customer_a_skipped_order_names_until_it_is_skipped_no_more() -> (
    None
):
    # Given
    short, at = bytes(range(1, 1 + HASH_BYTES)), datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
    later = at + timedelta(hours=1)
    marks = Manifest("org", "orders", {}, shards=1)
    for order_id, customer_id in (("1", "77"), ("2", "88"), ("3", "99"), ("4", "77")):
        marks.skip(order_id, short)
        marks.wait_for(order_id, customer_id, at)
    marks.skip("5", short)
    marks.listed("5", at)
    # When some change
    marks.listed("1", later)
    marks.put("2", short)
    marks.remove("3")
    marks.distrust(["4"])
    # Then
    assert dict(marks.waiting()) == {"1": "77", "4": "77"}
    assert marks.skipped("1") == short
    assert dict(marks.created())["1"] == later.timestamp()
    assert dict(marks.created())["4"] == dict(marks.created())["5"] == at.timestamp()
    # and the same again changes nothing
    marks.take_writes()
    marks.wait_for("1", "77", later)
    assert marks.take_writes() == []


def test_a_moment_that_no_manifest_can_hold_is_the_nearest_that_it_can() -> None:
    marks = Manifest("org", "orders", {}, shards=1)
    far = {"1": datetime(1, 1, 2, tzinfo=UTC), "2": datetime(9999, 1, 1, tzinfo=UTC)}
    for order_id, at in far.items():
        marks.put(order_id, bytes(HASH_BYTES))
        marks.listed(order_id, at)
    assert dict(marks.created()) == {"1": 0, "2": 2**32 - 1}


def test_a_record_is_missing_until_it_is_listed_and_counts_as_stored_meanwhile() -> None:
    marks = Manifest("org", "orders", {}, shards=1)
    for order_id in ("1", "2", "3"):
        marks.put(order_id, bytes(HASH_BYTES))
    marks.miss("1", held=False)
    marks.miss("2", held=True)
    assert (marks.missing(held=False), marks.missing(held=True)) == (["1"], ["2"])
    assert marks.count(manifest.STORED) == 3
    marks.listed("1", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1))
    marks.listed("2")
    assert marks.missing(held=False) == marks.missing(held=True) == []


def test_progress_of_an_earlier_version_has_its_hold_of_products() -> None:
    stored = {"held": "20 of 60 records are missing", "deletionsHeld": 20, "orders": {"head": None}}
    progress = SyncProgress.model_validate(stored)
    hold = progress.holds["products"]
    assert (hold.reason, hold.count) == ("20 of 60 records are missing", 20)
    again = SyncProgress.model_validate(progress.model_dump(mode="json", by_alias=True))
    assert again.holds == progress.holds
    assert SyncProgress.model_validate({"held": None, "deletionsHeld": 0}).holds == {}
