"""The size that fields have in Firestore."""

from datetime import UTC, datetime

from shared.domain.changes import fingerprint, fingerprint_and_size
from shared.store.manifest import Manifest
from shared.store.writes import Put, size_of


def test_the_size_is_as_documented() -> None:
    # Given the example of the documentation, and a map
    task = {"type": "Personal", "done": False, "priority": 1, "description": "Learn Firestore"}

    # Then it is so many bytes, without the document's name
    assert size_of(task) == 32 + 14 + 6 + 17 + 28
    assert size_of({"a": task}) == 32 + 2 + size_of(task)
    assert size_of({"n": None, "l": ["é", 1.5], "t": datetime(2026, 1, 1, tzinfo=UTC)}) == 58


def test_an_order_is_never_five_times_as_large_in_firestore_as_in_json() -> None:
    line = {"productId": None, "name": "", "category": None, "quantity": 0, "price": 0}
    for entry in (line, {"name": "x"}, {"item": 1}):
        fields = {"items": [entry] * 1_000}
        assert size_of(fields) < 5 * fingerprint_and_size(fields)[1]


def test_text_that_is_no_unicode_has_a_fingerprint_and_a_size() -> None:
    assert fingerprint({"name": "\ud800"}) != fingerprint({"name": "\udfff"})
    assert size_of({"name": "\ud800"}) == 32 + 5 + 4


def test_a_manifest_of_the_longest_ids_is_split_before_it_is_too_large() -> None:
    manifest = Manifest("org_a", "orders", {}, 1)
    for number in range(6_000):
        manifest.put(f"{number:0200}", b"12345678")

    writes = [write for group in manifest.take_writes(end=True) for write in group]
    shards = {w.path: w for w in writes if isinstance(w, Put) and "count" in w.fields}

    assert len(shards) == manifest.shards > 1
    assert max(size_of(write.fields) for write in writes if isinstance(write, Put)) < 1_000_000
