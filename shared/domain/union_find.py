"""Groups of ids that are connected with each other, directly or through others (union-find)."""

from collections import defaultdict
from collections.abc import Iterable

from shared.domain.ids import natural_key


class UnionFind:
    """Which ids belong together. What is never connected is no group."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def connect(self, ids: Iterable[str]) -> None:
        """Put these ids, and all that are connected with them, into one group."""
        first: str | None = None
        for other in ids:
            if first is None:
                first = self._root(other)
            else:
                self._parent[self._root(other)] = first

    def groups(self) -> list[list[str]]:
        """The groups, each by id (numbers as numbers), in the order of their first ids."""
        members: defaultdict[str, list[str]] = defaultdict(list)
        for member in sorted(self._parent, key=_by_id):
            members[self._root(member)].append(member)
        return sorted(members.values(), key=lambda group: _by_id(group[0]))

    def _root(self, member: str) -> str:
        root = member
        while self._parent.setdefault(root, root) != root:
            root = self._parent[root]
        while self._parent[member] != root:
            self._parent[member], member = root, self._parent[member]
        return root


def _by_id(record_id: str) -> tuple[tuple[int, int, str], str]:
    return natural_key(record_id), record_id
