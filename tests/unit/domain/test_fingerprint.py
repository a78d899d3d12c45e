"""Fingerprints: equal for equal fields, different for any difference."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.changes import HASH_BYTES, fingerprint

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
documents = st.dictionaries(st.text(max_size=4), values, max_size=5)


@given(documents)
def test_the_order_of_keys_does_not_matter(document: dict[str, object]) -> None:
    backwards = dict(reversed(document.items()))
    assert fingerprint(backwards) == fingerprint(document)
    assert len(fingerprint(document)) == HASH_BYTES


@given(documents, st.text(max_size=4), values)
def test_any_other_value_makes_another_fingerprint(
    document: dict[str, object], key: str, value: object
) -> None:
    changed = document | {key: [value, "and more"]}
    assert fingerprint(changed) != fingerprint(document) or changed == document


def test_another_time_or_quantity_makes_another_fingerprint() -> None:
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    values: list[object] = [at, at + timedelta(microseconds=1), Decimal("2.5"), Decimal("2.51")]
    assert len({fingerprint({"value": value}) for value in values}) == len(values)


def test_a_value_of_another_kind_has_no_fingerprint() -> None:
    with pytest.raises(TypeError):
        fingerprint({"value": {1, 2}})


def test_times_and_decimals_have_one_form() -> None:
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert fingerprint({"at": at, "q": Decimal("2.50")}) == fingerprint(
        {"at": at, "q": Decimal("2.5")}
    )
