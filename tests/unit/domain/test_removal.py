"""When products that the POS no longer lists are removed, kept or held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.removal import AllowedRemovals, Decision, decide, removal_id


def decision(
    gone: int, *, stored: int = 374, listed: int = 300, unreadable: int = 0, allowed: bool = False
) -> Decision:
    return decide(
        listed=listed,
        stored=stored,
        gone=gone,
        unreadable=unreadable,
        max_delete_percent=20,
        allowed=allowed,
    ).decision


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (decision(0), Decision.NOTHING_GONE),
        (decision(74), Decision.REMOVE),
        (decision(75), Decision.HOLD),
        (decision(75, allowed=True), Decision.REMOVE),
        (decision(9, stored=10, listed=1), Decision.REMOVE),
        (decision(10, stored=50, listed=40), Decision.REMOVE),
        (decision(10, stored=49, listed=39), Decision.HOLD),
        (decision(3, unreadable=1), Decision.KEEP),
    ],
    ids=[
        "nothing is gone",
        "just below the share",
        "just above the share",
        "a person's word lets it through",
        "a few are never held, whatever their share",
        "exactly the share is not above it",
        "ten, and above the share",
        "a row without an id might be the missing one",
    ],
)
def test_the_rule_decides(given: Decision, expected: Decision) -> None:
    assert given is expected


@given(stored=st.integers(1, 5000), allowed=st.booleans())
def test_an_empty_answer_never_removes_anything(stored: int, allowed: bool) -> None:
    found = decision(stored, stored=stored, listed=0, allowed=allowed)
    assert found is Decision.HOLD


@given(stored=st.integers(1, 5000), allowed=st.booleans())
def test_an_empty_answer_is_like_any_other_where_each_record_is_looked_up(
    stored: int, allowed: bool
) -> None:
    found = decide(
        listed=0,
        stored=stored,
        gone=stored,
        unreadable=0,
        max_delete_percent=20,
        allowed=allowed,
        looked_up=True,
    ).decision
    assert found is (Decision.REMOVE if allowed or stored < 10 else Decision.HOLD)


def test_a_removal_is_known_by_the_records_it_is_of_and_by_nothing_else() -> None:
    shown = removal_id("alleaves", "products", ["2", "1"])

    assert shown == removal_id("alleaves", "products", ["1", "2"])
    others = [
        removal_id("alleaves", "products", ["1", "2", "3"]),
        removal_id("alleaves", "products", ["1"]),
        removal_id("alleaves", "products", ["1,2"]),
        removal_id("alleaves", "orders", ["1", "2"]),
        removal_id("lightspeed", "products", ["1", "2"]),
    ]
    assert shown not in others
    assert len(set(others)) == len(others)


def test_an_approval_covers_the_removal_that_it_names_alone() -> None:
    shown = removal_id("alleaves", "products", ["1", "2"])

    assert AllowedRemovals(ids=frozenset({shown})).cover(shown)
    assert not AllowedRemovals(ids=frozenset({shown})).cover("another")
    assert not AllowedRemovals().cover(shown)
    assert AllowedRemovals(every=True).cover(shown)
