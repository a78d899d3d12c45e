"""Long lists in parts, and values kept for a while."""

from itertools import chain

import pytest

from shared.batches import batched
from shared.cache import CacheStatistics, ExpiringCache
from shared.store import database
from shared.store.database import Put, Remove, Write, commits, commits_of, joined, weight
from shared.store.writes import bytes_of


def test_no_part_is_longer_than_asked() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(batched("", 2)) == []


def test_what_belongs_together_is_not_split() -> None:
    assert list(batched(["aa", "b", "ccc", "d"], 3, len)) == [["aa", "b"], ["ccc"], ["d"]]
    assert list(batched(["aaaa", "b"], 3, len)) == [["aaaa"], ["b"]]


def put(size: int) -> Put:
    return Put("towns/a", {"raw": "x" * size})


def test_a_commit_takes_no_more_writes_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WRITES_PER_COMMIT", 3)
    assert list(map(len, commits(put(1) for _ in range(7)))) == [3, 3, 1]
    groups = [[put(1)] * 2, [put(1)] * 2, [put(1)]]
    assert list(map(len, joined(groups))) == [2, 3]
    assert list(map(len, commits_of([2, 2, 1], lambda count: [put(1)] * count))) == [1, 2]


def test_a_commit_takes_no_more_bytes_than_its_limit() -> None:
    # Given rows of 200 KB, small ones, and one that is larger than a commit is to be
    rows = [put(200_000)] * 60 + [put(100)] * 500 + [put(5_000_000)] + [put(100)]
    # When
    parts = list(commits(rows))
    # Then
    assert list(chain.from_iterable(parts)) == rows
    assert parts[-2:] == [[put(5_000_000)], [put(100)]]
    sizes = [sum(map(bytes_of, part)) for part in parts if part[0] != put(5_000_000)]
    assert max(sizes) <= 4 * 2**20
    assert max(map(len, parts)) <= 400
    assert len(parts) == 7


def test_groups_of_heavy_writes_stay_whole_and_in_their_order() -> None:
    # Given 400 groups of an order with 200 lines and what goes with it
    lines = [{"productId": f"{n}", "name": "Blue Dream 3.5 g", "price": 35.5} for n in range(200)]
    groups: list[list[Write]] = [
        [Put(f"orders/{n}", {"items": lines}), Remove(f"skipped/{n}")] for n in range(400)
    ]
    # When
    parts = list(joined(groups))
    # Then
    assert list(chain.from_iterable(parts)) == list(chain.from_iterable(groups))
    assert all(isinstance(part[-1], Remove) for part in parts)
    assert max(sum(map(bytes_of, part)) for part in parts) <= 4 * 2**20


def test_a_write_without_an_encoding_weighs_little_and_is_refused_only_when_it_is_sent() -> None:
    assert weight([Put("towns/a", {"n": object()}), Put("towns/a", {"t": "\ud800"})]) == 2


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


def test_a_cache_knows_how_well_it_works() -> None:
    # Given three values, of which one has expired
    now = 0.0
    cache = ExpiringCache[str, int](10, lambda: now)
    assert cache.statistics() == CacheStatistics(0, 0, 0.0, 0, 0)
    assert cache.statistics().hit_rate is None
    cache.put("short", 10, 1)
    cache.put("old", 100, 2)
    now = 20.0
    found = [cache.get(key) for key in ("short", "old", "old", "none")]
    cache.put("new", 100, 3)
    now = 30.0
    assert found == [None, 2, 2, None]

    # When
    first, second = cache.statistics(), cache.statistics()

    # Then
    assert (first.valid, first.average_age, first.hits, first.misses) == (2, 20.0, 2, 2)
    assert first.hit_rate == 0.5
    assert second == first


def test_what_has_expired_is_counted_as_long_as_it_is_in_memory() -> None:
    now = 0.0
    cache = ExpiringCache[str, int](10, lambda: now)
    cache.put("a", 10, 1)
    cache.put("b", 20, 2)
    now = 10.0
    found = cache.statistics()
    assert (found.size, found.valid, found.expired, found.average_age) == (2, 1, 1, 10.0)
    assert cache.statistics().size == 1


def test_who_asks_for_statistics_changes_nothing_about_what_is_dropped_first() -> None:
    # Given a full cache whose value that expires last was used first
    cache = ExpiringCache[str, int](2, lambda: 0.0)
    cache.put("a", 90, 1)
    cache.put("b", 60, 2)

    # When
    cache.statistics()
    cache.put("c", 60, 3)

    # Then
    assert [cache.get(key) for key in "abc"] == [None, 2, 3]
