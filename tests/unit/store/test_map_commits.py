"""A map whose changes fit no single commit: every commit leaves a whole map, none is lost."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.store import database, manifest, packed_map
from shared.store.database import joined
from shared.store.manifest import Manifest
from shared.store.packed_map import Facts, PackedMap
from shared.store.writes import Put, Write, bytes_of
from tests.unit.store.test_packed_map import Kept

FINGERPRINT = bytes(range(8))
NOW = datetime(2026, 3, 18, 16, tzinfo=UTC)
KEYS = [f"record-{number}" for number in range(24)]
REASON = "reasons/"

SERIALS = count()

Values = dict[str, Facts]


class TinyShards(PackedMap[Facts]):
    """A map that is split as if it were a hundred thousand times as large."""

    shard_bytes = 60


@contextmanager
def tiny() -> Iterator[None]:
    """Commits and logs are as small as the map."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "WRITES_PER_COMMIT", 4)
        patch.setattr(packed_map, "REWRITTEN_AT_ONCE", 90)
        patch.setattr(packed_map, "REWRITTEN_AT_END", 120)
        patch.setattr(packed_map, "LOG_BYTES", 50)
        patch.setattr(packed_map, "LOGS", 4)
        yield


def load(kept: Kept) -> TinyShards:
    return TinyShards("org", "things", *packed_map.read(kept, "org", "things"))


class Moving(Kept):
    """Another worker commits a part of its own before each answer."""

    def __init__(self, kept: Kept, parts: Sequence[Sequence[Write]]) -> None:
        super().__init__()
        self.documents, self.versions = dict(kept.documents), kept.versions.copy()
        self._parts = list(parts)

    def get_all(self, paths: Any, fields: Any = None) -> Any:
        found = super().get_all(paths, fields)
        if self._parts:
            self.apply(self._parts.pop(0))
        return found


changes = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.none() | st.lists(st.integers(0, 300), max_size=6),
        st.booleans(),
    ),
    max_size=24,
)
checkpoints = st.lists(st.tuples(changes, st.booleans(), st.none() | st.integers(0, 12)))


class Worker:
    """Changes a map and commits it, and remembers what the map was at the last checkpoint."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.facts = load(kept)
        self.before = dict(self.facts.items())
        self.documents: dict[str, tuple[int, Facts]] = {}

    def change(self, key: str, value: Facts | None, *, with_document: bool) -> None:
        if value is None:
            self.facts.drop_entry(key)
            self.documents.pop(key, None)
            return
        changed = self.facts.get(key) != value
        self.facts.set_entry(key, value)
        if with_document and changed and self.before.get(key) != value:
            serial = next(SERIALS)
            self.facts.commit_with(key, Put(REASON + key, {"serial": serial}))
            self.documents[key] = serial, value
        elif changed and key in self.documents:
            self.facts.withdraw_document(key)
            del self.documents[key]

    def checkpoint(self, *, end: bool, commits: int | None) -> bool:
        """Commit at most so many parts; whether that was all. After each of them an entry is as
        before or after, and what has changed remains so."""
        parts = list(joined(self.facts.take_writes(end=end)))
        reached: set[str] = set()
        for part in parts[:commits]:
            self._check_reader(dict(load(Moving(self.kept, [part])).items()))
            self.kept.apply(part)
            found = dict(load(self.kept).items())
            self._check_reader(found)
            after = dict(self.facts.items())
            assert all(found.get(key) == after.get(key) for key in reached)
            reached = {key for key in KEYS if found.get(key) == after.get(key)}
            for key in KEYS:
                assert packed_map.facts_of(self.kept, "org", "things", key) == found.get(key)
            for key, (serial, value) in self.documents.items():
                there = self.kept.documents.get(REASON + key) == {"serial": serial}
                assert there == (found.get(key) == value)
        return commits is None or commits >= len(parts)

    def _check_reader(self, found: Values) -> None:
        for key in {*KEYS, *found}:
            assert found.get(key) in (self.before.get(key), self.facts.get(key))


@given(checkpoints)
def test_a_crash_after_any_commit_leaves_each_entry_as_before_or_after(
    given_checkpoints: list[tuple[list[tuple[str, Facts | None, bool]], bool, int | None]],
) -> None:
    kept = Kept()
    with tiny():
        for done, end, commits in given_checkpoints:
            # Given some changes, of which some have a document that belongs to the entry
            worker = Worker(kept)
            for key, value, with_document in done:
                worker.change(key, value, with_document=with_document)
            # When they are committed in parts, and the worker may die in between
            whole = worker.checkpoint(end=end, commits=commits)
            # Then all of it is stored where it did not, without a log at the end of a run
            if whole:
                assert dict(load(kept).items()) == dict(worker.facts.items())
                assert not (end and any("-log-" in path for path in kept.documents))


@given(changes, changes)
def test_a_reader_sees_one_whole_generation_while_another_worker_commits(
    first: list[tuple[str, Facts | None, bool]], then: list[tuple[str, Facts | None, bool]]
) -> None:
    # Given a map, and changes that are committed in parts
    kept = Kept()
    with tiny():
        facts = load(kept)
        for key, value, _ in first:
            facts.set_entry(key, value or [])
        kept.keep(facts, end=True)
        before = dict(facts.items())
        for key, value, _ in then:
            facts.set_entry(key, value or [1])
        for key in KEYS:
            facts.set_entry(key, [*(facts.get(key) or []), 7])
        parts = list(joined(facts.take_writes(end=True)))
        after = dict(facts.items())

        # When it is read while they are committed, from each of them on
        for begun in range(len(parts)):
            read = dict(load(Moving(kept, parts[begun:])).items())

            # Then no entry is missing, and none is older than what was there
            for key in KEYS:
                assert read.get(key) in (before.get(key), after[key])
            kept.apply(parts[begun])
    assert dict(load(kept).items()) == after


def test_a_first_sync_of_a_million_records_writes_its_manifest_a_few_times_over() -> None:
    # Given a first sync with a checkpoint every 8,000 records
    kept, size, every = Kept(), 1_000_000, 8_000
    marks = Manifest("org", "orders", {}, 1)
    largest = 0
    for start in range(0, size, every):
        for number in range(start, min(start + every, size)):
            marks.put(f"alleaves_{number}", FINGERPRINT)
        # When
        for part in joined(marks.take_writes()):
            largest = max(largest, sum(map(bytes_of, part)))
            kept.apply(part)
    for part in joined(marks.take_writes(end=True)):
        largest = max(largest, sum(map(bytes_of, part)))
        kept.apply(part)

    # Then it wrote some four times the bytes that are stored, in commits that Firestore takes
    stored = sum(len(fields["entries"]) for fields in kept.documents.values())
    assert stored > 20_000_000
    assert kept.bytes_written < 6 * stored
    assert largest < 5 * 2**20
    assert not any("-log-" in path for path in kept.documents)
    assert all(
        fields["count"] <= manifest.ENTRIES_PER_SHARD * 1.1 for fields in kept.documents.values()
    )
    # and a reader finds all of it, and an unchanged run writes nothing
    again = manifest.load(kept, "org", "alleaves", {"orders": 1})["orders"]
    assert again.count(manifest.STORED) == size
    assert kept.reads == again.shards == len(kept.documents)
    assert again.take_writes(end=True) == []


def test_a_map_of_an_earlier_version_is_split_into_documents_of_other_names() -> None:
    # Given a manifest in two documents, as an earlier version has stored it
    kept, marks = Kept(), {f"order-{n}": b"s" + FINGERPRINT for n in range(24_000)}
    for shard in range(2):
        entries = {k: v for k, v in marks.items() if packed_map.shard_of(k, 2) == shard}
        packed = msgpack.packb(entries)
        path = packed_map.shard_path("org", "orders", shard)
        kept.documents[path] = {"entries": packed, "count": len(entries)}
    found = manifest.load(kept, "org", "alleaves", {"orders": 2})["orders"]
    assert found.count(manifest.STORED) == 24_000

    # When a few more records come
    for number in range(10):
        found.put(f"new-{number}", FINGERPRINT)
    kept.keep(found, end=True)

    # Then it is in four, of a generation of its own, and the old ones are gone
    names = sorted(path.rpartition("/")[2] for path in kept.documents)
    assert names == ["orders-0", "orders-g1-1", "orders-g1-2", "orders-g1-3"]
    again = manifest.load(kept, "org", "alleaves", {"orders": 2})["orders"]
    assert again.count(manifest.STORED) == 24_010


def test_a_change_of_an_earlier_versions_map_rewrites_the_document_of_that_name() -> None:
    kept = Kept()
    ids = {
        shard: f"order-{n}" for n in range(9) for shard in [packed_map.shard_of(f"order-{n}", 2)]
    }
    for shard, order_id in ids.items():
        packed = msgpack.packb({order_id: b"s" + FINGERPRINT})
        path = packed_map.shard_path("org", "orders", shard)
        kept.documents[path] = {"entries": packed, "count": 1}
    found = manifest.load(kept, "org", "alleaves", {"orders": 2})["orders"]

    found.remove(ids[1])
    assert kept.keep(found) == 1

    again = manifest.load(kept, "org", "alleaves", {"orders": 2})["orders"]
    assert (again.mark(ids[0]), again.mark(ids[1])) == (manifest.STORED, manifest.REMOVED)


def test_many_documents_of_entries_are_committed_in_parts_with_them() -> None:
    # Given 60 records that Firestore refused, each in quarantine with 200 KB as it came
    marks, kept = Manifest("org", "orders", {}, 1), Kept()
    for number in range(60):
        document = Put(f"quarantine/orders_{number}", {"raw": "x" * 200_000})
        marks.quarantine(f"{number}", FINGERPRINT, document, now=NOW)

    # When
    parts = list(joined(marks.take_writes(end=True)))

    # Then each part is small enough, and knows of exactly the documents that it has
    assert len(parts) > 2
    assert max(sum(map(bytes_of, part)) for part in parts) < 5 * 2**20
    for part in parts:
        kept.apply(part)
        known = manifest.load(kept, "org", "alleaves", {"orders": 1})["orders"].in_quarantine()
        there = (path for path in kept.documents if path.startswith("quarantine/"))
        assert {f"quarantine/orders_{key}" for key in known} == set(there)
    assert len(kept.documents) == 61


def test_what_left_quarantine_before_it_was_committed_is_not_put_there() -> None:
    marks, kept = Manifest("org", "orders", {}, 1), Kept()
    marks.quarantine("1", FINGERPRINT, Put("quarantine/orders_1", {"raw": "x"}), now=NOW)
    marks.skip("2", FINGERPRINT, Put("skipped/2", {"reason": "x"}))
    marks.leave_quarantine("1")
    marks.withdraw_document("2")
    marks.put("2", FINGERPRINT)
    kept.keep(marks)
    assert list(kept.documents) == [packed_map.shard_path("org", "orders", 0)]
