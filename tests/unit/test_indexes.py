"""The check of the index file itself: it must be able to say no."""

from typing import Any

import pytest

from tests.indexes import FILE, Needs, declared, missing

DECLARED: dict[str, Any] = {
    "indexes": [
        {
            "collectionGroup": "orders",
            "queryScope": "COLLECTION",
            "fields": [
                {"fieldPath": "customerId", "order": "ASCENDING"},
                {"fieldPath": "createdAt", "order": "DESCENDING"},
            ],
        }
    ],
    "fieldOverrides": [{"collectionGroup": "orders", "fieldPath": "items", "indexes": []}],
}
NEWEST = (("createdAt", "DESCENDING"),)


@pytest.mark.parametrize(
    ("wanted", "served"),
    [
        (Needs("orders", False, frozenset({"customerId"}), NEWEST), True),
        (Needs("orders", False, frozenset(), NEWEST), True),
        (Needs("orders", False, frozenset({"customerId", "status"}), ()), True),
        (Needs("orders", False, frozenset({"status"}), NEWEST), False),
        (Needs("orders", False, frozenset({"customerId"}), (("createdAt", "ASCENDING"),)), False),
        (Needs("orders", True, frozenset({"customerId"}), NEWEST), False),
        (Needs("orders", True, frozenset({"customerId"}), ()), False),
        (Needs("orders", False, frozenset({"items"}), ()), False),
    ],
)
def test_a_query_is_served_only_by_an_index_that_fits(wanted: Needs, served: bool) -> None:
    assert (missing(wanted, DECLARED) is None) is served


def test_the_three_indexes_of_the_contract_are_declared() -> None:
    found = {
        (i["collectionGroup"], *((f["fieldPath"], f["order"]) for f in i["fields"]))
        for i in declared()["indexes"]
    }
    up, down = "ASCENDING", "DESCENDING"
    assert {
        ("customer_spending", ("orgId", up), ("updatedAt", down)),
        ("customers", ("orgId", up), ("segment", up), ("totalSpent", down)),
        ("orders", ("orgId", up), ("customerId", up), ("createdAt", down)),
    } <= found
    assert FILE.read_text().endswith("}\n")
