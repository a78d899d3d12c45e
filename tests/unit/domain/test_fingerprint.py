"""Fingerprints: equal for equal fields, different for any difference."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fingerprint import HASH_BYTES, fingerprint

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


def test_times_and_decimals_have_one_form() -> None:
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert fingerprint({"at": at, "q": Decimal("2.50")}) == fingerprint(
        {"at": at, "q": Decimal("2.5")}
    )
