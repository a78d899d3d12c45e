"""Numbers of things in words."""

import pytest

from shared.domain.wording import counted


@pytest.mark.parametrize(
    ("number", "plural", "words"),
    [
        (0, "customers", "0 customers"),
        (1, "customers", "1 customer"),
        (2_500, "orders", "2,500 orders"),
        (1, "stored records", "1 stored record"),
        (1, "deliveries", "1 delivery"),
        (1, "batches", "1 batch"),
        (1, "inventory", "1 inventory"),
    ],
)
def test_one_thing_is_singular(number: int, plural: str, words: str) -> None:
    assert counted(number, plural) == words
