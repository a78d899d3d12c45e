"""Many small facts in a few documents."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.store import packed_map
from shared.store.database import Database, Document
from shared.store.packed_map import Facts, PackedMap
from shared.store.writes import Put, Write, outcome
from tests.unit.services.sync_in_memory import NOW


class Kept(Database):
    """The documents that were put."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.versions: Counter[str] = Counter()
        self.reads = self.bytes_written = 0

    def get(self, path: str) -> Document:
        self.reads += 1
        fields = self.documents.get(path)
        version = None if fields is None else NOW + timedelta(seconds=self.versions.get(path, 0))
        return Document(path, fields or {}, version, NOW, path)

    def get_all(self, paths: Any, fields: Any = None) -> dict[str, Document]:
        return {path: self.get(path) for path in paths}

    def keep(self, facts: PackedMap[Any], *, end: bool = False) -> int:
        """How many writes it took."""
        return sum(map(self.apply, facts.take_writes(end=end)))

    def apply(self, writes: Sequence[Write]) -> int:
        for write in writes:
            self.versions[write.path] += 1
            after = outcome(write, self.documents.get(write.path))
            if after is None:
                del self.documents[write.path]
            else:
                self.documents[write.path] = after
            if isinstance(write, Put):
                self.bytes_written += len(write.fields.get("entries", b""))
        return len(writes)

    def load(self) -> PackedMap[Facts]:
        return packed_map.load(self, "org", "things")


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "remove", "keep", "keep_only"]),
        st.sampled_from(["1", "2", "2001", "ä/b"]),
        st.lists(st.none() | st.integers(0, 9) | st.text(max_size=3) | st.binary(max_size=3)),
    ),
    max_size=20,
)


@given(steps)
def test_what_is_loaded_is_what_was_kept(done: list[tuple[str, str, list[Any]]]) -> None:
    # Given
    database, expected = Kept(), dict[str, Facts]()
    facts = PackedMap[Facts]("org", "things", {}, 1)
    # When
    for what, key, value in done:
        match what:
            case "put":
                facts.set_entry(key, value)
                expected[key] = value
            case "remove":
                facts.drop_entry(key)
                expected.pop(key, None)
            case "keep_only":
                facts.keep_entries({key})
                expected = {k: v for k, v in expected.items() if k == key}
            case _:
                database.keep(facts)
                facts = database.load()
    database.keep(facts)
    # Then
    assert dict(database.load().items()) == expected


def test_nothing_changed_is_nothing_written() -> None:
    database = Kept()
    facts = PackedMap[Facts]("org", "things", {}, 1)
    facts.set_entry("1", ["a", 1])
    assert database.keep(facts) == 1
    again = database.load()
    again.set_entry("1", ["a", 1])
    again.drop_entry("2")
    again.keep_entries({"1", "3"})
    assert database.keep(again) == 0
    assert database.reads == 1


def test_no_document_grows_beyond_its_limit() -> None:
    # Given ten thousand records of 200 bytes: 2 MB
    database = Kept()
    facts = PackedMap[Facts]("org", "things", {}, 1)
    for number in range(10_000):
        facts.set_entry(str(number), ["x" * 200])
    # When
    database.keep(facts)
    # Then they stand in several documents, and one change writes one of them
    sizes = [len(fields["entries"]) for fields in database.documents.values()]
    assert max(sizes) <= packed_map.SHARD_BYTES
    assert facts.shards == len(sizes) == 4
    again = database.load()
    assert len(dict(again.items())) == 10_000
    again.set_entry("17", ["y"])
    assert database.keep(again) == 1
    found = dict(database.load().items())
    assert (found["17"], len(found)) == (["y"], 10_000)
