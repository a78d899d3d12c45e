"""The spellings of an org's id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import base_org_id, org_id_spellings


@pytest.mark.parametrize(
    ("org_id", "name"),
    [
        ("org_green", "green"),
        ("brand_green", "green"),
        ("green", "green"),
        ("green_org_", "green_org_"),
        ("org_brand_green", "brand_green"),
        ("org_", "org_"),
        ("brand_", "brand_"),
    ],
)
def test_what_the_spellings_of_an_org_have_in_common_is_its_name(org_id: str, name: str) -> None:
    assert base_org_id(org_id) == name


@pytest.mark.parametrize(
    ("org_id", "expected"),
    [
        ("green", ("green", "org_green", "brand_green")),
        ("org_green", ("org_green", "brand_green", "green")),
        ("brand_green", ("brand_green", "org_green", "green")),
    ],
)
def test_the_spelling_that_is_given_comes_first_and_each_once(
    org_id: str, expected: tuple[str, ...]
) -> None:
    assert org_id_spellings(org_id) == expected


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True))
def test_every_spelling_leads_to_the_same_ones(name: str) -> None:
    assert len({frozenset(org_id_spellings(spelling)) for spelling in org_id_spellings(name)}) == 1
