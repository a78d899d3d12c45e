"""What a write would change, as people read it."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.changes import TEXT_LIMIT, ChangeKind, change_kind, changed_fields

VALUES = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
FIELDS = st.dictionaries(st.sampled_from("abcde"), VALUES)


def test_a_field_that_came_or_went_has_one_side_only() -> None:
    found = changed_fields({"a": 1, "gone": None, "same": "x"}, {"a": 2, "new": 3, "same": "x"})

    assert found == {"a": {"old": 1, "new": 2}, "gone": {"old": None}, "new": {"new": 3}}


def test_what_every_write_changes_says_nothing() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    before, after = {"updatedAt": now, "syncRunId": "a"}, {"updatedAt": None, "syncRunId": "b"}

    assert changed_fields(before, after) == {}
    assert change_kind(before, after) is ChangeKind.REWRITTEN


def test_kinds_follow_from_what_is_there_before_and_after() -> None:
    assert change_kind(None, {"a": 1}) is ChangeKind.CREATED
    assert change_kind({"a": 1}, {"a": 2}) is ChangeKind.UPDATED
    assert change_kind({"a": 1}, {"a": 1}) is ChangeKind.REWRITTEN
    assert change_kind({"a": 1}, None) is ChangeKind.REMOVED


def test_a_record_that_was_never_there_and_is_none_has_all_its_fields_on_one_side() -> None:
    assert changed_fields(None, {"b": 1, "a": 2}) == {"a": {"new": 2}, "b": {"new": 1}}
    assert changed_fields({"b": 1, "a": 2}, None) == {"a": {"old": 2}, "b": {"old": 1}}
    assert changed_fields(None, None) == {}


@given(st.sets(st.text(min_size=1, max_size=3), max_size=8))
def test_fields_come_by_their_names(names: set[str]) -> None:
    assert list(changed_fields({}, dict.fromkeys(names, 1))) == sorted(names)


def test_a_product_that_is_kept_with_its_last_values_is_removed_once() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert change_kind({"a": 1}, {"a": 1, "removedFromPosAt": now}) is ChangeKind.REMOVED
    assert change_kind({"removedFromPosAt": now}, {"removedFromPosAt": now}) is ChangeKind.REWRITTEN
    assert change_kind({"removedFromPosAt": now}, {"a": 1}) is ChangeKind.UPDATED, (
        "it is sold again"
    )
    assert change_kind(None, {"removedFromPosAt": now}) is ChangeKind.REMOVED


def test_long_values_are_cut_and_those_with_parts_stand_as_text() -> None:
    found = changed_fields({}, {"long": "x" * 10_000, "items": [{"price": 1.5}]})

    assert len(found["long"]["new"]) == TEXT_LIMIT + 1
    assert found["items"]["new"] == '[{"price": 1.5}]'


def test_a_value_is_cut_only_where_it_is_longer_than_people_read() -> None:
    fits, too_long = "é" * TEXT_LIMIT, "é" * (TEXT_LIMIT + 1)

    found = changed_fields({"text": fits}, {"text": too_long})

    assert found["text"] == {"old": fits, "new": f"{fits}…"}


def test_parts_are_told_in_the_letters_and_times_that_they_hold() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    found = changed_fields({}, {"parts": ["Café", now], "at": now, "price": 1.5, "on": True})

    assert found["parts"]["new"] == '["Café", "2026-01-01 00:00:00+00:00"]'
    assert found["at"]["new"] == now
    assert found["price"]["new"] == 1.5
    assert found["on"]["new"] is True


@given(FIELDS, FIELDS)
def test_just_the_fields_that_differ_are_told(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    missing = object()
    found = changed_fields(before, after)

    for name in "abcde":
        differs = before.get(name, missing) != after.get(name, missing)
        assert (name in found) == differs
