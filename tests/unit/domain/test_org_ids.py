"""The spellings of an org's id, and which texts may name a document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import LONGEST_ID, base_org_id, is_document_id, org_id_spellings


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
        ("org_org_green", ("org_org_green", "brand_org_green")),
        ("brand_org_green", ("brand_org_green", "org_org_green")),
    ],
)
def test_the_spelling_that_is_given_comes_first_and_each_once(
    org_id: str, expected: tuple[str, ...]
) -> None:
    assert org_id_spellings(org_id) == expected


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True))
def test_every_spelling_leads_to_the_same_ones(name: str) -> None:
    assert len({frozenset(org_id_spellings(spelling)) for spelling in org_id_spellings(name)}) == 1


@given(name=st.text("org_brandx", max_size=20), other=st.text("org_brandx", max_size=20))
def test_two_ids_are_spellings_of_one_org_or_share_no_spelling(name: str, other: str) -> None:
    spellings, others = set(org_id_spellings(name)), set(org_id_spellings(other))

    assert spellings == others or not spellings & others


@pytest.mark.parametrize("name", ["a/b", "..", "org_..", "org_", "x" * 197, "\ud800", ""])
def test_every_spelling_may_name_a_document(name: str) -> None:
    assert all(map(is_document_id, org_id_spellings(name)))
    assert name in org_id_spellings(name) or not is_document_id(name)


@pytest.mark.parametrize(
    "text", ["a", "é", "...", "__", "___", "__x", "x__", "a b", "x" * LONGEST_ID]
)
def test_most_texts_may_name_a_document(text: str) -> None:
    assert is_document_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * (LONGEST_ID + 1),
        "a/b",
        "/",
        ".",
        "..",
        "____",
        "__x__",
        "__\n__",
        "\ud800",
        "a\udfff",
    ],
)
def test_what_firestore_cannot_take_as_an_id_may_not(text: str) -> None:
    assert not is_document_id(text)
