"""Records by id, each with a version that grows with every change: lists are read in its order."""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Any

from deploy.local.simulator.table import Record, encode

FIRST_VERSION = 29_161_706_323
_VERSION = re.compile(rb'"version":(\d+)}$')


class VersionCounter:
    """The versions of one retailer's records, of whatever kind. Thread-safe."""

    def __init__(self) -> None:
        self._numbers = count(FIRST_VERSION, 137)

    def next(self) -> int:
        """One above all that were given out."""
        return next(self._numbers)


@dataclass(frozen=True, slots=True)
class _Held:
    version: int
    date: str
    deleted: bool
    found_by: tuple[str, ...]
    text: bytes


class VersionedTable:
    """One kind of record. ``searched`` are the fields that a search may ask for, ``dated`` the one
    whose time it may narrow. Safe to read and change from several threads."""

    def __init__(
        self, versions: VersionCounter, *, searched: tuple[str, ...] = (), dated: str = "created_at"
    ) -> None:
        self._versions = versions
        self._searched = searched
        self._dated = dated
        self._lock = RLock()
        self._held: dict[str, _Held] = {}
        self._by_version: list[_Held] | None = None
        self._by_date: list[_Held] | None = None

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[Record]:
        return (json.loads(held.text) for held in self._in_order_of_version())

    def replace(self, records: Iterable[Record]) -> None:
        """Hold these records and no others, versions given in their order."""
        held = {str(record["id"]): self._hold(record) for record in records}
        with self._lock:
            self._held = held
            self._by_version = self._by_date = None

    def put(self, record: Record) -> Record:
        """Add or replace one record; it is returned with its new version."""
        with self._lock:
            held = self._hold(record)
            self._held[str(record["id"])] = held
            self._by_version = self._by_date = None
        return _read(held)

    def change(self, key: str, fields: Mapping[str, Any]) -> Record:
        """Set some fields of a record and return it whole. Raises KeyError without one."""
        with self._lock:
            now = {"updated_at": _now()} if "updated_at" not in fields else {}
            return self.put({**self.get(key), **now, **fields})

    def get(self, key: str) -> Record:
        """One record, deleted or not. Raises KeyError without one."""
        return _read(self._held[key])

    def text(self, key: str) -> bytes:
        """The JSON text of one record. Raises KeyError without one."""
        return self._held[key].text

    def remove(self, key: str) -> None:
        """Take a record out as if it had never been. Raises KeyError without one."""
        with self._lock:
            del self._held[key]
            self._by_version = self._by_date = None

    def listed(self, after: int, before: int | None, *, deleted: bool) -> tuple[list[bytes], int]:
        """The texts of a list in the order of versions, and how many of them are at or below
        ``after``. None are at or above ``before``; deleted ones only where asked for."""
        held = self._in_order_of_version()
        if before is not None:
            held = held[: bisect_left(held, before, key=_version)]
        if deleted:
            return [each.text for each in held], bisect_right(held, after, key=_version)
        kept = [each for each in held if not each.deleted]
        return [each.text for each in kept], bisect_right(kept, after, key=_version)

    def search(
        self, wanted: Mapping[str, Collection[str]], since: str, until: str, *, descending: bool
    ) -> list[bytes]:
        """The texts of records whose fields are each one of those wanted (in lower case), and whose
        date is within these times (ISO 8601 in UTC; either may be empty), in order of date. Deleted
        records are not found."""
        held = self._in_order_of_date()
        low = bisect_left(held, _utc(since), key=_date) if since else 0
        high = bisect_right(held, _utc(until), key=_date) if until else len(held)
        places = [(self._searched.index(name), texts) for name, texts in wanted.items()]
        found = [
            each.text
            for each in held[low:high]
            if not each.deleted and all(each.found_by[at] in texts for at, texts in places)
        ]
        return found[::-1] if descending else found

    def _hold(self, record: Record) -> _Held:
        version = self._versions.next()
        own = {key: value for key, value in record.items() if key != "version"}
        return _Held(
            version,
            _utc(own.get(self._dated)),
            bool(own.get("deleted_at")),
            tuple(str(own.get(name) or "").lower() for name in self._searched),
            encode({**own, "version": version}),
        )

    def _in_order_of_version(self) -> list[_Held]:
        with self._lock:
            if self._by_version is None:
                self._by_version = sorted(self._held.values(), key=_version)
            return self._by_version

    def _in_order_of_date(self) -> list[_Held]:
        with self._lock:
            if self._by_date is None:
                self._by_date = sorted(self._held.values(), key=lambda h: (h.date, h.version))
            return self._by_date


def version_of(text: bytes) -> int | None:
    """The version in a record's text; None in one that is damaged."""
    found = _VERSION.search(text)
    return int(found[1]) if found else None


def _read(held: _Held) -> Record:
    record: Record = json.loads(held.text)
    return record


def _version(held: _Held) -> int:
    return held.version


def _date(held: _Held) -> str:
    return held.date


def _utc(text: object) -> str:
    """A time as searches compare it: ``2026-01-15T23:30:00``."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
