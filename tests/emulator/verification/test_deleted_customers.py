"""Customers whom the POS has deleted are no differences where the org keeps them."""

import pytest

from tests.emulator.environment import SMALL, Environment
from tests.emulator.verification.books import Books, bought_twice, kinds
from tests.simulated_pos import SimulatedPos

ORG = "org_test"


@pytest.fixture
def books(environment: Environment) -> Books:
    """The org, synced, which keeps customers whom the POS has deleted."""
    environment.client.document(f"tenants/{ORG}").set({"sync": {"deletedCustomers": "keep"}})
    found = Books(environment, ORG)
    found.sync()
    return found


@pytest.fixture
def gone(books: Books, pos: SimulatedPos) -> list[str]:
    """Two of its customers, with orders, whom the POS has deleted since; synced again."""
    ids = books.keys("customers", bought_twice)[:2]
    left = [c for c in pos.data(ORG)["customers"] if str(c["id_customer"]) not in ids]
    pos.replace(ORG, "customers", left)
    books.sync()
    return ids


def test_customers_whom_an_org_keeps_are_counted_and_no_differences(
    books: Books, gone: list[str]
) -> None:
    found = books.verify()

    assert found.differences == ()
    customers, left = found.customers, SMALL.customers - 2
    assert (customers.kept, customers.at_pos, customers.stored) == (2, left, left)
    assert customers.with_orders.count == len(books.keys("customers", lambda c: c["orderCount"]))


def test_what_is_wrong_of_a_kept_customer_is_found_and_so_is_a_stray(
    books: Books, gone: list[str]
) -> None:
    # Given
    stray = books.copy("customers", gone[0], "99000001", email="stray@example.net")
    wrong = books.change("customers", gone[1], totalSpent=1.25)
    # When
    found = books.verify()
    # Then
    assert kinds(found) == {stray: {"customer_stray"}, wrong: {"figures_differ"}}
    books.repair(found)
    again = books.verify()
    assert (again.differences, again.customers.kept) == ((), 3)


def test_an_org_that_keeps_them_no_more_is_told_of_them(books: Books, gone: list[str]) -> None:
    books.client.document(f"tenants/{ORG}").set({"sync": {"deletedCustomers": "mark"}})

    found = books.verify()

    paths = {books.path("customers", customer_id) for customer_id in gone}
    assert paths == {p for p, kind in kinds(found).items() if kind == {"customer_stray"}}
    assert found.customers.kept == 0
