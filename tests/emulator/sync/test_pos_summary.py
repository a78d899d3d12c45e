"""What the POS itself sums up of a customer: preferences until orders count, never figures."""

from shared.clock import utc_now
from shared.store import paths
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.simulated_pos import SimulatedPos, placed_order
from tests.stored import StoredDocuments

ORG = "org_test"
NEW = 960_001
PATH = f"{paths.customers(ORG)}/{NEW}"
SUMMARY = {"total_spent": "1500.00", "total_orders": 12, "favorite_category": "Category > Vapes"}


def test_a_summary_serves_as_preferences_until_orders_are_stored_and_enters_no_figure(
    pos: SimulatedPos, store: StoredDocuments, sync: SyncRunner, spending: SpendingRunner
) -> None:
    # Given a customer whose orders the POS does not list, and who would be a VIP by its summary
    template = pos.data(ORG)["customers"][0]
    person = {"id_customer": NEW, "email": "wren@example.com", "phone": None, "user_id": None}
    pos.add(ORG, "customers", {**template, **person, **SUMMARY})
    sync.run(ORG)
    spending.compute_requested()

    # Then the summary says what they like, and nothing of what they spent
    found = store.document(PATH)
    assert found["preferences"] == {
        "favoriteCategory": "Vapes",
        "categories": ["Vapes"],
        "products": [],
        "priceBand": "premium",
        "source": "pos",
    }
    assert (found["totalSpent"], found["orderCount"], found["segment"]) == (0, 0, "new")
    assert 1500 not in found.values()

    # When its totals grow and what follows from them does not, nothing is written
    pos.change(ORG, "customers", NEW, total_spent="1620.00", total_orders=13)
    assert sync.run(ORG)["streams"]["customers"]["updated"] == 0

    # When an order of theirs is listed
    order = placed_order(pos.newest_order(ORG), 960_002, NEW, utc_now().isoformat())
    lines = [{**line, "category": "Flower", "quantity": 1} for line in order["items"][:1]]
    pos.add(ORG, "orders", {**order, "items": lines})
    sync.run(ORG)
    spending.compute_requested()

    # Then preferences follow from it
    found = store.document(PATH)
    assert (found["totalSpent"], found["orderCount"]) == (100, 1)
    assert found["preferences"]["favoriteCategory"] == "Flower"
    assert "source" not in found["preferences"]
