"""Long lists in parts, and values kept for a while."""

import pytest

from shared.cache import ExpiringCache
from shared.store import database
from shared.store.database import batched, commits


def test_no_part_is_longer_than_asked() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(batched("", 2)) == []


def test_what_belongs_together_is_not_split() -> None:
    assert list(batched(["aa", "b", "ccc", "d"], 3, len)) == [["aa", "b"], ["ccc"], ["d"]]
    assert list(batched(["aaaa", "b"], 3, len)) == [["aaaa"], ["b"]]


def test_a_commit_takes_no_more_writes_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WRITES_PER_COMMIT", 3)
    assert list(map(len, commits(range(7)))) == [3, 3, 1]
    assert list(commits([2, 2, 1], lambda writes: writes)) == [[2], [2, 1]]


class Counted:
    """Makes one value after the other; counts how many."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> int:
        self.made += 1
        return self.made


def test_a_value_is_made_once_until_its_time_is_over() -> None:
    # Given
    now, make = 0.0, Counted()
    cache = ExpiringCache[str, int](10, lambda: now)
    # When, then
    assert [cache.get_or("a", 60, make), cache.get_or("a", 60, make)] == [1, 1]
    now = 59.9
    assert cache.get_or("a", 60, make) == 1
    now = 60.0
    assert cache.get_or("a", 60, make) == 2


def test_a_full_cache_drops_what_was_not_used_for_longest() -> None:
    cache = ExpiringCache[str, int](2, lambda: 0.0)
    cache.put("a", 60, 1)
    cache.put("b", 60, 2)
    assert cache.get("a") == 1
    cache.put("c", 60, 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_none_is_not_kept_but_what_is_empty_is() -> None:
    # Given
    cache = ExpiringCache[str, tuple[int, ...] | None](10, lambda: 0.0)
    calls: list[str] = []

    def make(value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        calls.append("made")
        return value

    # When
    for _ in range(2):
        cache.get_or("none", 60, lambda: make(None))
        cache.get_or("empty", 60, lambda: make(()))
    # Then
    assert len(calls) == 3
