"""How far a paged listing has come: what was seen, what was announced, whether it is over."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

E = TypeVar("E")

_ASK_AGAIN_CUT_SHORT = 2
_ASK_AGAIN_FULL_OF_REPEATS = 1
_USUAL_LIMITS = frozenset({10, 20, 25, 50})
"""How many rows services give at once that have a limit of their own."""


class Progress(Generic[E]):
    """The state of one listing. Of the entries only the identities are kept.

    Every page may announce a total. The smallest must be reached before the listing counts as
    complete: records that come up at the POS meanwhile make it grow and push others onto the next
    page, where they are repeats, but nothing is lost by that.
    """

    def __init__(self, size: int, identity: Callable[[E], Hashable], start_page: int = 1) -> None:
        self._size = size
        self._identity = identity
        self._pages_before = start_page - 1
        self._learned = False
        self._seen: set[Hashable] = set()
        self._smallest_total: int | None = None
        self.total: int | None = None
        self.rows = self._pages_before * size
        self.ended = False
        self.misjudged = False
        """Whether the first page was taken as full, and a later one holds more."""

    @property
    def short_of_total(self) -> bool:
        """Whether fewer rows came than every announcement said."""
        return self._smallest_total is not None and self.rows < self._smallest_total

    def pages_planned(self, expected: int | None) -> int | None:
        """How many pages the listing should have; None where nobody said."""
        records = self.total if self.total is not None else expected
        return None if records is None else max(1, -(-records // self._size))

    def perhaps_full(self, first: Sequence[E], total: int | None) -> bool:
        """Whether a first page that is not full may be all that the service gives at once, however
        many are asked for: more are announced, or nothing is and so many are a usual limit."""
        rows = len(first)
        if not 0 < rows < self._size:
            return False
        return rows < total if total is not None else rows in _USUAL_LIMITS

    def learn_size(self, first: Sequence[E], following: Sequence[E], total: int | None) -> None:
        """Take the first page as full, if the page that follows shows that it is: by as many other
        rows, or by just the rest of what was announced."""
        others = {*map(self._identity, following)} - {*map(self._identity, first)}
        fits = len(following) == len(first) or len(first) + len(following) == total
        if others and fits:
            self._size, self._learned = len(first), True
            self.rows = self._pages_before * self._size

    def new_rows(self, entries: Sequence[E]) -> int:
        """Rows that repeat no earlier page. Repeats within the page count: a service that lists a
        record twice also has it twice in its total."""
        return sum(self._identity(entry) not in self._seen for entry in entries)

    def times_to_ask_again(
        self, entries: Sequence[E], total: int | None, followed: Callable[[], bool]
    ) -> int:
        """How often to ask again for a page that came like this before it is believed.

        ``followed`` says whether new rows were seen on the page after it.
        """
        rows = self.new_rows(entries)
        full = len(entries) >= self._size
        if full and rows:
            return 0
        announced = self._smallest(entries, total)
        if announced is not None:
            return _ASK_AGAIN_CUT_SHORT if self.rows + rows < announced else 0
        if followed():
            return _ASK_AGAIN_CUT_SHORT
        return _ASK_AGAIN_FULL_OF_REPEATS if full else 0

    def accept(self, entries: Sequence[E], total: int | None) -> tuple[tuple[E, ...], int]:
        """Count a page in. Returns its entries without any repeats, and its new rows."""
        rows = self.new_rows(entries)
        self._smallest_total = self._smallest(entries, total)
        self.total = total if _believable(entries, total) else self.total
        new = {key: entry for entry in entries if (key := self._identity(entry)) not in self._seen}
        self._seen.update(new)
        self.misjudged |= self._learned and len(entries) > self._size
        self.rows += rows
        # More rows than announced: the total is wrong, only a page that is not full ends it.
        self.ended = self.rows == self.total or not rows or len(entries) < self._size
        return tuple(new.values()), rows

    def _smallest(self, entries: Sequence[E], total: int | None) -> int | None:
        if total is None or not _believable(entries, total):
            return self._smallest_total
        return total if self._smallest_total is None else min(total, self._smallest_total)


def _believable(entries: Sequence[E], total: int | None) -> bool:
    """A total below the page's own rows is no total."""
    return total is not None and total >= len(entries)
