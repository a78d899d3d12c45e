"""How far a paged listing has come: what was seen, what was announced, whether it is over."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

E = TypeVar("E")

_ASK_AGAIN_SHORT_OF_TOTAL = 2
_ASK_AGAIN_FULL_OF_REPEATS = 1


class Progress(Generic[E]):
    """The state of one listing. Of the entries themselves only the identities are kept.

    Several totals may be announced, one per page: the smallest must be reached before the listing
    counts as complete. Records that come up at the POS meanwhile make it grow, and push others
    onto the next page, where they are repeats; that is no loss.
    """

    def __init__(self, size: int, identity: Callable[[E], Hashable], start_page: int = 1) -> None:
        self._size = size
        self._identity = identity
        self._seen: set[Hashable] = set()
        self._smallest_total: int | None = None
        self.total: int | None = None
        self.rows = (start_page - 1) * size
        self.ended = False

    @property
    def short_of_total(self) -> bool:
        """Whether fewer entries came than every announcement said."""
        return self._smallest_total is not None and self.rows < self._smallest_total

    def pages_planned(self, expected: int | None) -> int | None:
        """How many pages the listing should have; None where nobody said."""
        records = self.total if self.total is not None else expected
        return None if records is None else max(1, -(-records // self._size))

    def doubts(self, entries: Sequence[E], total: int | None) -> int:
        """How often a page that came like this is to be asked for again before it is believed."""
        rows, nothing_new = self._rows_of(entries)
        full = len(entries) >= self._size
        if full and not nothing_new:
            return 0
        announced = self._smallest(total, entries)
        if announced is not None:
            return _ASK_AGAIN_SHORT_OF_TOTAL if self.rows + rows < announced else 0
        return _ASK_AGAIN_FULL_OF_REPEATS if full else 0

    def accept(self, entries: Sequence[E], total: int | None) -> tuple[tuple[E, ...], int]:
        """Count a page in. Returns its entries without repeats, and its rows without those of
        earlier pages."""
        rows, nothing_new = self._rows_of(entries)
        self._smallest_total = self._smallest(total, entries)
        if _believable(total, entries):
            self.total = total
        new = {key: entry for key, entry in self._keyed(entries) if key not in self._seen}
        self._seen.update(new)
        self.rows += rows
        reached = self.total is not None and self.rows >= self.total
        self.ended = reached or nothing_new or len(entries) < self._size
        return tuple(new.values()), rows

    def _keyed(self, entries: Iterable[E]) -> Iterable[tuple[Hashable, E]]:
        return ((self._identity(entry), entry) for entry in entries)

    def _rows_of(self, entries: Sequence[E]) -> tuple[int, bool]:
        """Rows that repeat no earlier page, and whether there is none. A service that counts a
        record twice lists it twice: within one page repeats count towards the total."""
        rows = sum(key not in self._seen for key, _ in self._keyed(entries))
        return rows, rows == 0

    def _smallest(self, total: int | None, entries: Sequence[E]) -> int | None:
        known = self._smallest_total
        if not _believable(total, entries):
            return known
        return total if known is None or total is None else min(known, total)


def _believable(total: int | None, entries: Sequence[E]) -> bool:
    """A total below the page's own rows is no total."""
    return total is not None and total >= len(entries)
