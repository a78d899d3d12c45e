"""Which eCom orders were imported, and what the export last said of each: a read for a thousand
orders instead of one for each.

``sync_manifests/ecom-{block}`` has the fingerprints of the orders whose numbers begin a block of
BLOCK, ``sync_manifests/ecom`` which blocks there are, and which numbers are missing between the
first order and the last. Not a map that is whole in memory, as those of a sync are
(store/packed_map.py): an export of a million rows is to be imported in a tenth of that. Exports are
sorted by number, so that one block is needed after the other.

``sync_state/ecom`` is the lease of imports: one at a time, and no sync waits for it.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from shared.domain.ecom import gaps
from shared.store import paths
from shared.store.database import Database, Put, Write

BLOCK = 1_000
UNPACKED = 32
"""Blocks that are kept unpacked; the others take 20 bytes an order."""
READ_AT_ONCE = 100
MISSING_LISTED = 3_000
"""Missing numbers that are listed and looked for among the sales."""


@dataclass(frozen=True, slots=True)
class MissingNumbers:
    """The numbers that no import had, between the first and the last that one had: how many, and
    the first MISSING_LISTED of them."""

    first: int | None = None
    last: int | None = None
    count: int = 0
    listed: tuple[int, ...] = ()


class ImportedOrders:
    """The fingerprints of an org's imported orders. Not safe for threads."""

    def __init__(self, database: Database, org_id: str) -> None:
        self._database = database
        self._org_id = org_id
        head = _head(database, org_id)
        self._blocks: set[int] = set(head.get("blocks", ()))
        self._missing = _missing_in(head)
        self._packed: dict[int, bytes] = {}
        self._unpacked: OrderedDict[int, dict[str, bytes]] = OrderedDict()
        self._changed: set[int] = set()

    def get(self, number: str) -> bytes | None:
        """The fingerprint of what the export last said; None of an order never imported."""
        return self._block(int(number) // BLOCK).get(number)

    def put(self, number: str, fingerprint: bytes) -> None:
        """The order is stored as the export says it."""
        block = int(number) // BLOCK
        self._block(block)[number] = fingerprint
        self._changed.add(block)

    def take_writes(self) -> list[Write]:
        """The writes after which the changes are stored: to be committed after the orders."""
        changed, self._changed = self._changed, set()
        if not changed:
            return []
        writes: list[Write] = [
            Put(_path(self._org_id, str(block)), {"entries": self._bytes(block)})
            for block in sorted(changed)
        ]
        if not changed <= self._blocks:
            self._blocks |= changed
            writes.append(self.put_missing(self._missing))
        return writes

    def numbers(self) -> Iterator[int]:
        """The numbers of all imported orders, in order."""
        blocks = sorted(self._blocks)
        for start in range(0, len(blocks), READ_AT_ONCE):
            part = blocks[start : start + READ_AT_ONCE]
            unread = [b for b in part if b not in self._packed and b not in self._unpacked]
            stored = self._read(unread)
            for block in part:
                packed = stored.get(block) or self._bytes(block)
                yield from sorted(map(int, msgpack.unpackb(packed)))

    def put_missing(self, missing: MissingNumbers) -> Write:
        """The write for the numbers that are missing now."""
        self._missing = missing
        fields = {
            "blocks": sorted(self._blocks),
            "missing": [missing.first, missing.last, missing.count, list(missing.listed)],
        }
        return Put(_path(self._org_id), {"entries": msgpack.packb(fields)})

    def missing(self) -> MissingNumbers:
        """The numbers that are missing now, from all blocks."""
        first = last = None
        count, listed = 0, list[int]()

        def noted() -> Iterator[int]:
            nonlocal first, last
            for number in self.numbers():
                first = number if first is None else first
                last = number
                yield number

        for start, end in gaps(noted()):
            count += end - start + 1
            listed += range(start, min(end + 1, start + MISSING_LISTED - len(listed)))
        return MissingNumbers(first, last, count, tuple(listed))

    def _block(self, block: int) -> dict[str, bytes]:
        found = self._unpacked.get(block)
        if found is not None:
            self._unpacked.move_to_end(block)
            return found
        packed = self._packed.pop(block, None)
        if packed is None and block in self._blocks:
            packed = self._read([block]).get(block)
        found = self._unpacked[block] = msgpack.unpackb(packed) if packed else {}
        if len(self._unpacked) > UNPACKED:
            oldest, entries = self._unpacked.popitem(last=False)
            self._packed[oldest] = msgpack.packb(entries)
        return found

    def _bytes(self, block: int) -> bytes:
        unpacked = self._unpacked.get(block)
        packed: bytes = self._packed[block] if unpacked is None else msgpack.packb(unpacked)
        return packed

    def _read(self, blocks: Sequence[int]) -> dict[int, bytes]:
        where = {_path(self._org_id, str(block)): block for block in blocks}
        found = self._database.get_all(list(where)) if where else {}
        return {where[path]: each.fields.get("entries", b"\x80") for path, each in found.items()}


def read_missing(database: Database, org_id: str) -> MissingNumbers:
    """The numbers that were missing at the end of the last import. One read."""
    return _missing_in(_head(database, org_id))


def _head(database: Database, org_id: str) -> dict[str, Any]:
    packed = database.get(_path(org_id)).fields.get("entries")
    fields: dict[str, Any] = msgpack.unpackb(packed) if packed else {}
    return fields


def _missing_in(head: Mapping[str, Any]) -> MissingNumbers:
    found = head.get("missing")
    if not found:
        return MissingNumbers()
    first, last, count, listed = found
    return MissingNumbers(first, last, count, tuple(listed))


def _path(org_id: str, block: str = "") -> str:
    return f"{paths.manifests(org_id)}/ecom{'-' * bool(block)}{block}"
