"""Which entries of the manifests a commit leaves unsettled, and what becomes of them."""

from datetime import UTC, datetime

import pytest

from shared.store import manifest
from shared.store.manifest import (
    ANNOUNCED,
    QUARANTINED,
    REMOVED,
    SKIPPED,
    STORED,
    Manifest,
    distrust,
    unsettled,
)

NOW = datetime(2026, 3, 18, 16, tzinfo=UTC)
OLD, NEW, UNKNOWN = b"12345678", b"abcdefgh", bytes(8)


def stored(entries: dict[str, bytes], name: str = "orders") -> Manifest:
    return Manifest("org_a", name, dict(entries))


def test_what_has_changed_since_the_last_commit_is_unsettled() -> None:
    marks = stored({"a": STORED + OLD, "b": STORED + OLD, "c": REMOVED, "d": STORED + OLD})

    marks.put("a", NEW)
    marks.put("b", OLD)
    marks.put("c", NEW)
    marks.put("new", NEW)
    marks.drop_entry("d")
    marks.quarantine("e", NEW, now=NOW)

    assert set(marks.unsettled) == {"a", "c", "d", "new", "?e"}
    marks.take_writes()
    assert unsettled({"orders": marks}) == b""


def test_an_entry_that_says_itself_that_it_may_be_wrong_is_not() -> None:
    marks = stored({"a": STORED + UNKNOWN, "b": ANNOUNCED, "?c": QUARANTINED})

    marks.put("a", NEW)
    marks.put("b", NEW)
    marks.leave_quarantine("c")
    marks.miss("d", held=False)

    assert not marks.unsettled


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("orders", STORED + OLD + b"when", STORED + UNKNOWN + b"when"),
        ("orders", SKIPPED + OLD + b"when", SKIPPED + UNKNOWN + b"when"),
        ("orders", REMOVED, ANNOUNCED),
        ("customers", STORED + OLD, STORED + UNKNOWN),
        ("products", STORED + OLD, ANNOUNCED),
        ("discounts", REMOVED, ANNOUNCED),
    ],
)
def test_nothing_that_was_left_is_trusted(name: str, before: bytes, after: bytes) -> None:
    # Given a worker that dies after it has changed the documents of a record, and of a new one
    dying = stored({"a": before, "other": STORED + OLD}, name)
    dying.unsettle("a")
    dying.put("new", NEW)
    left = unsettled({name: dying})

    # When another one reads what is stored
    marks = stored({"a": before, "other": STORED + OLD}, name)
    distrust({name: marks}, left)

    # Then it trusts neither of them, and says so until it has stored that
    assert (marks.get("a"), marks.get("new")) == (after, ANNOUNCED)
    assert marks.has("other", OLD)
    assert set(marks.unsettled) == {"a", "new"}


def test_a_record_that_was_put_in_quarantine_or_released_may_be_there() -> None:
    dying = stored({"?a": QUARANTINED + OLD})
    dying.leave_quarantine("a")
    dying.quarantine("b", NEW, now=NOW)

    marks = stored({"?a": QUARANTINED + OLD})
    distrust({"orders": marks}, unsettled({"orders": dying}))

    assert (marks.quarantined("a"), marks.quarantined("b")) == (b"", b"")


def test_as_many_as_a_checkpoint_may_leave_take_less_than_a_tenth_of_a_document() -> None:
    marks = stored({})
    for number in range(10_000):
        marks.put(f"alleaves_{4_000_000 + number * 7}", NEW)

    assert len(manifest.unsettled({"orders": marks})) < 100_000
