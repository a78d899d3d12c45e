"""What a document is after a write: the rule by which a dry run foresees it."""

from typing import Any

import pytest

from shared.store.writes import Create, Put, Remove, Update, Write, outcome

BEFORE = {"name": "Blue Dream", "price": 35.0, "imageUrl": "merchant.png"}


@pytest.mark.parametrize(
    ("write", "before", "after"),
    [
        (Put("p", {"name": "A"}), BEFORE, {"name": "A"}),
        (
            Put("p", {"name": "A"}, owned=("name", "price")),
            BEFORE,
            {"name": "A", "imageUrl": "merchant.png"},
        ),
        (Put("p", {"name": "A"}, owned=("name", "price")), None, {"name": "A"}),
        (Put("p", {"name": None}, owned=("name",)), {}, {"name": None}),
        (Create("p", {"name": "A"}), None, {"name": "A"}),
        (
            Update("p", {"price": None, "name": "A"}),
            BEFORE,
            {"name": "A", "imageUrl": "merchant.png"},
        ),
        (Remove("p"), BEFORE, None),
    ],
)
def test_a_write_makes_of_a_document_what_firestore_makes_of_it(
    write: Write, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    assert outcome(write, before) == after
