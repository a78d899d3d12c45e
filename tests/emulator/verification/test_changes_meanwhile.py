"""What changes at the POS or in Firestore while an org is verified is no difference."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.bus.messages import ComputeSpending
from shared.clock import utc_now
from tests.emulator.environment import Environment
from tests.emulator.verification.books import (
    MENU,
    Books,
    bought_twice,
    counts,
    kinds,
)
from tests.simulated_pos import SimulatedPos, placed_order

ORG = "org_test"
AFTERWARDS = "looked"


@pytest.fixture
def books(environment: Environment) -> Books:
    found = Books(environment, ORG)
    found.sync()
    return found


class Meanwhile:
    """Does something once the POS's first list has come, or all that is stored is read."""

    def __init__(self, what: str, do: Callable[[], object]) -> None:
        self._what = what
        self._do = do
        self.done = False

    def __call__(self, what: str, done: int, of: int | None) -> None:
        if what == self._what and not self.done:
            self.done = True
            self._do()


def test_what_the_pos_changes_meanwhile_is_no_difference(books: Books, pos: SimulatedPos) -> None:
    order = pos.newest_order(ORG)
    now = (utc_now() + timedelta(seconds=1)).isoformat()

    def change() -> None:
        pos.change(ORG, "orders", order["id_order"], total="999.00", date_updated=now)
        pos.add(ORG, "orders", placed_order(order, 990_001, order["id_customer"], now))
        pos.change(ORG, "customers", order["id_customer"], name_first="Meanwhile")

    meanwhile = Meanwhile("customers", change)
    found = books.verifier(ORG, progress=meanwhile)

    assert meanwhile.done
    assert found.differences == ()


def test_what_a_sync_stores_meanwhile_is_no_difference(books: Books, pos: SimulatedPos) -> None:
    order = pos.newest_order(ORG)
    before = (utc_now() - timedelta(minutes=1)).isoformat()
    pos.change(ORG, "orders", order["id_order"], total="999.00", date_updated=before)
    pos.add(ORG, "orders", placed_order(order, 990_001, order["id_customer"], before))
    row = pos.data(ORG)["inventory"][0]
    pos.change_row(ORG, row, price_otd="77.00", price_retail="77.00")

    meanwhile = Meanwhile("orders", books.sync)
    found = books.verifier(ORG, progress=meanwhile)

    assert meanwhile.done
    assert found.differences == ()


def test_what_the_next_sync_would_store_says_so(books: Books, pos: SimulatedPos) -> None:
    # Given a change at the POS since the last sync, and one in Firestore
    order = pos.newest_order(ORG)
    before = (utc_now() - timedelta(minutes=1)).isoformat()
    pos.change(ORG, "orders", order["id_order"], total="999.00", date_updated=before)
    pos.add(ORG, "orders", placed_order(order, 990_001, order["id_customer"], before))
    other = books.keys("orders", counts)[0]
    books.change("orders", other, total=1.5)

    found = books.verify()

    waits = {each.path for each in found.differences if each.awaits_sync}
    buyer = str(order["id_customer"])
    changed = {
        books.path("orders", "alleaves_990001"),
        books.path("orders", f"alleaves_{order['id_order']}"),
    }
    assert changed <= waits
    assert books.path("customers", buyer) in waits
    assert books.path("orders", other) in kinds(found).keys() - waits
    # and once it has run they are gone
    books.sync()
    assert set(kinds(books.verify())) == {books.path("orders", other)}


def test_an_order_whose_status_another_program_has_changed_is_no_difference(books: Books) -> None:
    order = books.keys("orders", counts)[0]
    owner = books.documents("orders")[order]["customerId"]
    books.change("orders", order, status="cancelled")
    books.environment.spending.service(ComputeSpending(org_id=ORG, customer_ids=(owner,)))

    assert books.verify().differences == ()


def test_a_stored_order_of_a_removed_product_is_kept(books: Books, pos: SimulatedPos) -> None:
    sold = books.keys(MENU, lambda item: True)[0]
    rows = [row for row in pos.data(ORG)["inventory"] if str(row["id_item"]) != sold]
    pos.replace(ORG, "inventory", rows)
    books.sync()
    customer = books.keys("customers", bought_twice)[0]
    pos.control("DELETE", f"orgs/{ORG}/customers/{customer}")
    books.sync()

    assert books.documents("products")[sold]["removedFromPosAt"]
    assert books.documents("customers")[customer]["removedFromPosAt"]
    assert books.verify().differences == ()
