"""Which ids can be the names of documents."""

import pytest

from shared.domain.ids import is_document_id


@pytest.mark.parametrize("text", ["1", "a b", "ü", "😀", ".a", "...", "__x", "___", "x" * 200])
def test_any_other_text_is_a_document_id(text: str) -> None:
    assert is_document_id(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a/b", "/", "____", "__x__", "__a\nb__", "\ud800", "é\udfff", "x" * 201],
)
def test_what_firestore_reserves_or_cannot_hold_is_no_document_id(text: str) -> None:
    assert not is_document_id(text)
