"""Records by id, kept as JSON text in listing order: a page is cut, not built."""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import RLock
from typing import Any

Record = dict[str, Any]
Place = tuple[str | int, ...]


def encode(record: object) -> bytes:
    """Compact JSON text."""
    return json.dumps(record, separators=(",", ":")).encode()


class Table:
    """One kind of record of one org. ``key_of`` gives a record's id as text, ``place_of`` where
    it stands in the listing. Safe to read and change from several threads."""

    def __init__(
        self,
        key_of: Callable[[Record], str],
        place_of: Callable[[Record], Place],
        texts: Mapping[str, tuple[Place, bytes]] | None = None,
    ) -> None:
        self._key_of = key_of
        self._place_of = place_of
        self._lock = RLock()
        self._texts = dict(texts or {})
        self._listing: tuple[list[Place], list[bytes]] | None = None

    def copy(self) -> "Table":
        """One with the same records, that changes on its own."""
        with self._lock:
            return Table(self._key_of, self._place_of, self._texts)

    def replace(self, records: Iterable[Record]) -> None:
        """Hold these records and no others."""
        texts = {self._key_of(r): (self._place_of(r), encode(r)) for r in records}
        with self._lock:
            self._texts, self._listing = texts, None

    def put(self, record: Record) -> str:
        """Add or replace one record; its id is returned."""
        key = self._key_of(record)
        with self._lock:
            self._texts[key] = (self._place_of(record), encode(record))
            self._listing = None
        return key

    def change(self, key: str, fields: Record) -> Record:
        """Set some fields of a record and return it whole. Raises KeyError without one."""
        with self._lock:
            changed = {**self.get(key), **fields}
            del self._texts[key]
            self.put(changed)
        return changed

    def remove(self, key: str) -> None:
        """Take a record out. Raises KeyError without one."""
        with self._lock:
            del self._texts[key]
            self._listing = None

    def get(self, key: str) -> Record:
        """One record. Raises KeyError without one."""
        record: Record = json.loads(self._texts[key][1])
        return record

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[Record]:
        return (json.loads(text) for text in self.texts())

    def texts(self, first: Place | None = None, beyond: Place | None = None) -> list[bytes]:
        """The records' JSON texts in listing order, from place ``first`` on and short of
        ``beyond``."""
        places, texts = self._ordered()
        if first is None and beyond is None:
            return texts
        low = bisect_left(places, first) if first is not None else 0
        high = bisect_left(places, beyond) if beyond is not None else len(places)
        return texts[low:high]

    def _ordered(self) -> tuple[list[Place], list[bytes]]:
        with self._lock:
            if self._listing is None:
                ordered = sorted(self._texts.values(), key=lambda held: held[0])
                self._listing = [place for place, _ in ordered], [text for _, text in ordered]
            return self._listing
