"""Fingerprints of imported orders: what is put is there for the next import, in few documents."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.store import ecom_imports
from shared.store.database import Database, Document, Meter, Put, Write
from shared.store.ecom_imports import BLOCK, UNPACKED, ImportedOrders, read_missing

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)


class WrittenDocuments(Database):
    """A Firestore that has what was written."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.written: dict[str, Mapping[str, Any]] = {}

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        self.meter.add(reads=len(paths))
        return {path: Document(path, self.written.get(path, {}), NOW, NOW, path) for path in paths}

    def get(self, path: str) -> Document:
        return self.get_all([path])[path]

    def commit(self, writes: Any) -> datetime | None:
        given: list[Write] = list(writes)
        for write in given:
            assert isinstance(write, Put)
            self.written[write.path] = write.fields
        return NOW


@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 60 * BLOCK).map(str), st.binary(min_size=8, max_size=8), max_size=80
        ),
        max_size=4,
    )
)
def test_each_import_finds_what_the_ones_before_have_put(imports: list[dict[str, bytes]]) -> None:
    database, known = WrittenDocuments(), dict[str, bytes]()
    for put in imports:
        imported = ImportedOrders(database, "org")
        for number, fingerprint in put.items():
            assert imported.get(number) == known.get(number)
            imported.put(number, fingerprint)
            known[number] = fingerprint
        assert {n: imported.get(n) for n in known} == known
        database.commit(imported.take_writes())
        assert imported.take_writes() == []
        assert list(imported.numbers()) == sorted(map(int, known))


def test_sorted_numbers_cost_one_read_a_block_however_many_there_are() -> None:
    # Given
    database, blocks = WrittenDocuments(), 3 * UNPACKED
    imported = ImportedOrders(database, "org")
    for number in range(blocks * BLOCK):
        imported.put(str(number), b"12345678")
    database.commit(imported.take_writes())
    # When
    again = ImportedOrders(database, "org")
    before = database.meter.reads
    assert all(again.get(str(number)) for number in range(blocks * BLOCK))
    # Then
    assert database.meter.reads - before == blocks


def test_missing_numbers_are_counted_all_and_listed_in_part() -> None:
    database = WrittenDocuments()
    imported = ImportedOrders(database, "org")
    for number in ("3", "5", "9000"):
        imported.put(number, b"12345678")
    database.commit([*imported.take_writes(), imported.put_missing(imported.missing())])
    found = read_missing(database, "org")
    assert (found.first, found.last, found.count) == (3, 9000, 8995)
    assert found.listed[:3] == (4, 6, 7)
    assert len(found.listed) == ecom_imports.MISSING_LISTED
    assert read_missing(WrittenDocuments(), "org").first is None
