"""Records of one person are found and linked, and their spending is read together."""

from typing import Any

import pytest

from shared.services.spending.look_up import SpendingLookUp, SpendingSource
from tests.emulator.customers.shop import ORG, Shop

PHONES = ("(518) 555-0123", "+15185550123", "518.555.0123")


def links(shop: Shop, *customer_ids: str) -> dict[str, Any]:
    """Whom each is a duplicate of, or who its duplicates are."""
    found = {i: shop.read(i) for i in customer_ids}
    return {i: f.get("duplicateOf") or f.get("duplicateIds") for i, f in found.items()}


@pytest.fixture
def family(shop: Shop) -> Shop:
    """Three records of one person by telephone and e-mail, and two others."""
    shop.customer("9", phone=PHONES[0], email="ada@example.com")
    shop.customer("10", phone=PHONES[1])
    shop.customer("11", phone="555", email="ada@example.com")
    shop.customer("12", phone="555")
    shop.customer("13")
    for number, customer_id in enumerate(("9", "9", "10", "11", "12", "13")):
        shop.order(str(number), customer_id, 100)
    return shop


@pytest.mark.parametrize("asked", [(), ("10",), ("11", "12", "13")])
def test_records_are_linked_directly_and_through_others(
    family: Shop, asked: tuple[str, ...]
) -> None:
    # When
    family.compute(*asked)
    # Then: 555 is no telephone number, the placeholder no e-mail
    assert links(family, "9", "10", "11", "12", "13") == {
        "9": ["10", "11"],
        "10": "9",
        "11": "9",
        "12": None,
        "13": None,
    }


def test_spending_is_read_per_person_as_well_as_per_record(family: Shop) -> None:
    # Given
    family.compute()
    look_up = SpendingLookUp(family.database)
    # When
    person = look_up.of_person(ORG, "10")
    record = look_up.find(ORG, customer_id="10")
    # Then
    assert person
    assert (person.spending.total_cents, person.spending.order_count) == (400_00, 4)
    assert (person.customer_ids, person.source) == (("9", "10", "11"), SpendingSource.CUSTOMER)
    assert look_up.of_person(ORG, "9") == look_up.of_person(ORG, "11") == person
    assert record
    assert record.spending.total_cents == 100_00
    assert family.spent("ada@example.com")["totalSpent"] == 300


def test_a_customer_who_changes_the_number_is_nobodys_duplicate_any_more(family: Shop) -> None:
    # Given
    family.compute()
    # When
    family.customer("10", phone="(518) 555-0199")
    family.compute("10")
    # Then
    assert links(family, "9", "10", "11") == {"9": ["11"], "10": None, "11": "9"}
    # When the connecting record loses its e-mail too
    family.customer("11", phone="(518) 555-0199")
    family.compute("11")
    # Then
    assert links(family, "9", "10", "11") == {"9": None, "10": ["11"], "11": "10"}
    assert family.spent("ada@example.com")["totalSpent"] == 200


def test_unchanged_links_cause_no_write(family: Shop) -> None:
    # Given
    family.compute()
    # When / Then
    assert family.compute("9", "10", "11")[1] == 0


def test_a_number_that_very_many_have_connects_nobody_and_is_not_read_through(shop: Shop) -> None:
    # Given
    for number in range(60):
        shop.customer(str(number), phone="518-555-0100" if number else "518-555-0101")
    shop.customer("60", phone="518-555-0101")
    # When
    reads, _ = shop.compute("0", "1", "2")
    # Then
    assert links(shop, "0", "1", "2", "60") == {"0": ["60"], "1": None, "2": None, "60": "0"}
    assert reads < 100
