"""An org at Lightspeed is verified, with the imported orders of its web shop."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from google.cloud.firestore import DELETE_FIELD

from deploy.local.simulator.spec import OrgSpec
from tests.emulator.customers.retailer import RetailerOrg
from tests.emulator.environment import Environment
from tests.emulator.verification.books import MENU, Books, bought_twice, counts, kinds
from tests.fakes import OffsetClock
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed
from tests.stored import StoredDocuments, differences

ORG = SMALL_RETAILER.org_id
STRAY = "06f2a5e1-0000-11ea-b5f4-990000000001"


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Nobody at Alleaves."""
    return ()


@pytest.fixture
def books(
    environment: Environment, lightspeed: SimulatedLightspeed, clock: OffsetClock, tmp_path: Path
) -> Books:
    """The retailer with an import of the web shop's orders, of which some have no sale yet and one
    has got it since."""
    found = Books(environment, ORG)
    found.sync()
    retailer = RetailerOrg(
        SMALL_RETAILER, lightspeed, environment.sync, environment.spending, clock, tmp_path
    )
    retailer.bring_in(retailer.export())
    lightspeed.let_arrive(ORG, lightspeed.late_orders(ORG)[0])
    found.sync()
    return found


def test_a_clean_retailer_has_no_differences(books: Books) -> None:
    found = books.verify()

    assert found.differences == ()
    assert found.providers == ("lightspeed",)
    assert found.orders.imported == 45
    assert 0 < found.orders.superseded < 45


def test_planted_differences_are_found_and_mended(books: Books, store: StoredDocuments) -> None:
    # Given
    before = store.records(ORG)
    buyers = books.keys("customers", bought_twice)
    orders = books.keys("orders", counts)
    items = books.keys(MENU, lambda item: not item["isOnSale"])
    superseded = books.keys("orders", lambda order: order.get("supersededBy"))
    planted = {
        books.copy("customers", buyers[0], STRAY, email="nobody@example.org"): "customer_stray",
        books.delete("customers", buyers[1]): "customer_missing",
        books.copy("orders", orders[0], f"lightspeed_{STRAY}"): "order_stray",
        books.delete("orders", orders[1]): "order_missing",
        books.change("orders", orders[2], total=1_234.56): "order_differs",
        books.change("customers", buyers[2], segment="mystery"): "segment_differs",
        books.copy("products", items[0], STRAY): "product_stray",
        books.delete("products", items[1]): "product_missing",
        books.change(MENU, items[2], price=0.01): "price_differs",
        books.delete(MENU, items[3]): "menu_item_missing",
        books.change("customer_spending", f"cid_{buyers[3]}", totalSpent=5.0): "spending_differs",
        books.change(
            "orders", superseded[0], supersededBy=DELETE_FIELD, ecomState="waiting"
        ): "imported_order_counts_twice",
    }

    # When
    found = books.verify()

    # Then
    assert kinds(found) == {path: {kind} for path, kind in planted.items()}
    report = books.repair(found)
    assert (report.problems, report.held) == ((), 0)
    assert books.verify().differences == ()
    after = store.records(ORG)
    for collection, key in {
        "customers": STRAY,
        "orders": f"lightspeed_{STRAY}",
        "products": STRAY,
    }.items():
        assert after[collection].pop(key)["removedFromPosAt"]
    assert differences(before, after) == []
