"""Spreading orgs over a time: each org at its own moment, always the same, and none left out."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.spread import SLICES, slice_of, spread

ORGS = [f"org_{number}" for number in range(10_000)]


def test_an_orgs_moment_is_the_same_in_every_process() -> None:
    assert [slice_of(org) for org in ("org_a", "org_b", "org_ü", "")] == [52, 109, 130, 133]


def test_ten_thousand_orgs_are_spread_evenly() -> None:
    # When
    counts = Counter(map(slice_of, ORGS))
    # Then: 67 orgs a slice on average, and no slice has twice as many
    assert len(counts) == SLICES
    assert max(counts.values()) < 2 * len(ORGS) / SLICES


@given(st.sets(st.text(min_size=1)), st.integers(1, 86_400))
def test_each_org_is_in_one_slice_and_within_the_time(orgs: set[str], seconds: int) -> None:
    # When
    slices = list(spread(sorted(orgs), seconds))
    offsets = [offset for offset, _ in slices]
    # Then
    assert sorted(org for _, some in slices for org in some) == sorted(orgs)
    assert offsets == sorted(offsets)
    assert all(0 <= offset < seconds for offset in offsets)
    assert len(slices) <= SLICES


@given(st.sets(st.text(min_size=1), min_size=1), st.text(min_size=1), st.integers(1, 86_400))
def test_no_other_org_moves_an_org(orgs: set[str], other: str, seconds: int) -> None:
    # Given
    org = min(orgs)
    # When
    with_other = dict(spread(sorted({*orgs, other}), seconds))
    # Then
    ((offset, _),) = spread([org], seconds)
    assert org in with_other[offset]
