"""The stock list of a location, which Alleaves sends in one reply."""

import json
from collections.abc import Callable, Generator, Hashable, Sequence

from shared.domain.inventory import InventoryRow
from shared.errors import ListingIncomplete
from shared.pos.alleaves.api import RawPage
from shared.pos.alleaves.mapping import page_of
from shared.pos.base import Page, Rejected
from shared.pos.paging import Listed

_IDENTITY = ("id_item", "id_batch", "id_area")


def list_stock(
    fetch: Callable[[int, int | None], RawPage],
    to_row: Callable[[object], InventoryRow | Rejected],
    *,
    provider: str,
) -> Generator[Page[InventoryRow], None, None]:
    """All rows of a location. ``fetch`` takes how many rows to skip and how many to take, None
    for all.

    Where a reply announces more rows than it has, the rest is asked for. Whether the service
    honours ``skip`` and ``take`` here is not known, so a reply of repeats means that it does not:
    ListingIncomplete.
    """
    seen: set[Hashable] = set()
    total: int | None = None
    received = number = 0
    last = False
    while not last:
        raw = fetch(received, total and total - received)
        number += 1
        rows = _without_repeats(raw.rows, seen)
        received += len(rows)
        total = total if raw.total is None else raw.total
        last = total is None or received >= total
        if number > 1 and not rows and not last:
            raise ListingIncomplete(
                f"{provider} announced {total:,} inventory rows but sent {received:,}."
            )
        entries = tuple(map(to_row, rows))
        yield page_of(Listed(number, entries, len(rows), total, raw.requests, last))


def _without_repeats(rows: Sequence[object], seen: set[Hashable]) -> list[object]:
    """The rows of no earlier reply; one that stands in this reply twice, word for word, once: its
    stock would count double."""
    new: dict[Hashable, dict[str, object]] = {}
    for row in rows:
        identity = _identity(row)
        if identity not in seen:
            new.setdefault(identity, {})[json.dumps(row)] = row
    seen.update(new)
    return [row for alike in new.values() for row in alike.values()]


def _identity(row: object) -> Hashable:
    """Batch and area; the whole row where it names neither."""
    ids = tuple(row.get(key) for key in _IDENTITY) if isinstance(row, dict) else (None,)
    return json.dumps(row if None in ids else ids)
