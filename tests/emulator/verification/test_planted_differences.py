"""An org at Alleaves is verified: nothing is found where nothing is wrong, and all that is."""

from collections.abc import Callable
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.services.verification.repair import Repair
from shared.services.verification.result import RepairReport, Verification
from shared.services.verification.verify import Verify
from tests.emulator.environment import Environment, SpendingRunner, SyncRunner
from tests.simulated_pos import SimulatedPos, discount
from tests.stored import StoredDocuments, differences

ORG = "org_test"
MENU = "publicViews/products/items"
STRAY = "99000001"


class Books:
    """What is stored of the org; ``verify`` holds it against the POS."""

    def __init__(self, environment: Environment, client: Client, store: StoredDocuments) -> None:
        self.client = client
        self.store = store
        self._verify = Verify(
            environment.database, environment.connector.open, environment.clock.now, 60, 2
        )

        self._repair = Repair(self._verify, environment.sync.service())

    def verify(self) -> Verification:
        return self._verify(ORG)

    def repair(self, found: Verification) -> RepairReport:
        return self._repair.mend(found)

    def path(self, collection: str, key: str) -> str:
        return f"tenants/{ORG}/{collection}/{key}"

    def some(self, collection: str, fits: Callable[[dict[str, Any]], Any]) -> str:
        """Id of the first document that fits."""
        found = self.store.documents(f"tenants/{ORG}/{collection}")
        return next(key for key in sorted(found) if fits(found[key]))

    def change(self, collection: str, key: str, **fields: Any) -> str:
        path = self.path(collection, key)
        self.client.document(path).update(fields)
        return path

    def copy(self, collection: str, key: str, new: str, **fields: Any) -> str:
        found = self.store.document(self.path(collection, key))
        path = self.path(collection, new)
        self.client.document(path).set({**found, "id": new, **fields})
        return path

    def delete(self, collection: str, key: str) -> str:
        path = self.path(collection, key)
        self.client.document(path).delete()
        return path


@pytest.fixture
def books(
    environment: Environment,
    client: Client,
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    spending: SpendingRunner,
) -> Books:
    """The org, synced, with one discount that runs."""
    pos.set_discounts(ORG, discount(1, None))
    sync.run(ORG)
    spending.compute_requested()
    return Books(environment, client, store)


def kinds(found: Verification) -> dict[str, set[str]]:
    """The kinds of differences by path."""
    by_path: dict[str, set[str]] = {}
    for each in found.differences:
        by_path.setdefault(each.path, set()).add(each.kind)
    return by_path


def is_bought(fields: dict[str, Any]) -> bool:
    return bool(fields.get("orderCount", 0) > 1)


def counts(fields: dict[str, Any]) -> bool:
    return bool(fields["status"] == "completed" and fields["total"] > 0)


def on_sale(fields: dict[str, Any]) -> bool:
    return bool(fields["isOnSale"])


def test_a_clean_org_has_no_differences(books: Books, store: StoredDocuments) -> None:
    before = store.everything(ORG)

    found = books.verify()

    assert found.differences == ()
    assert found.ok
    assert found.customers.at_pos == found.customers.stored == 230
    assert found.orders.total == len(store.documents(f"tenants/{ORG}/orders"))
    assert (
        found.orders.stored + found.orders.skipped
        == found.orders.at_pos - found.orders.in_quarantine
    )
    assert sum(each.count for each in found.customers.segments.values()) == 230
    assert found.products.on_menu == store.status(ORG)["menuProductsCount"]
    assert found.cache
    assert found.cache.faster
    assert store.everything(ORG) == before


def plant(books: Books) -> dict[str, set[str]]:
    """Make 13 documents wrong; the kinds of differences by path."""
    buyers = sorted(
        key for key, f in books.store.documents(f"tenants/{ORG}/customers").items() if is_bought(f)
    )
    orders = sorted(
        key for key, f in books.store.documents(f"tenants/{ORG}/orders").items() if counts(f)
    )
    items = books.store.documents(f"tenants/{ORG}/{MENU}")
    plain = sorted(key for key, fields in items.items() if not on_sale(fields))
    sold = sorted(key for key, fields in items.items() if on_sale(fields))
    owner = books.store.document(books.path("orders", orders[3]))["customerId"]
    other = next(each for each in buyers[5:] if each != owner)
    spending = f"cid_{buyers[3]}"
    return {
        books.copy("customers", buyers[0], STRAY, email="nobody@example.org"): {"customer_stray"},
        books.delete("customers", buyers[1]): {"customer_missing"},
        books.copy("orders", orders[0], f"alleaves_{STRAY}"): {"order_stray"},
        books.delete("orders", orders[1]): {"order_missing"},
        books.copy("products", plain[0], STRAY): {"product_stray"},
        books.delete("products", plain[1]): {"product_missing"},
        books.change("orders", orders[2], total=1_234.56): {"order_differs"},
        books.change("customers", buyers[2], segment="mystery"): {"segment_differs"},
        books.change(MENU, plain[2], price=0.01): {"price_differs"},
        books.change(MENU, sold[0], saleBadgeText="90% OFF"): {"sale_differs"},
        books.change("orders", orders[3], customerId=other): {"order_of_other_customer"},
        books.delete(MENU, plain[3]): {"menu_item_missing"},
        books.change("customer_spending", spending, totalSpent=5.0): {"spending_differs"},
    }


def test_every_planted_difference_is_found(books: Books) -> None:
    planted = plant(books)

    found = books.verify()

    assert not found.ok
    assert kinds(found) == planted
    wrong = next(each for each in found.differences if each.kind == "order_differs")
    assert wrong.stored == {"total": 1_234.56}
    assert wrong.expected["total"] != 1_234.56
    assert not any(each.awaits_sync for each in found.differences)


def test_a_repair_mends_all_of_it_and_marks_the_strays(
    books: Books, spending: SpendingRunner, store: StoredDocuments
) -> None:
    before = store.records(ORG)
    plant(books)

    report = books.repair(books.verify())
    spending.compute_requested()

    assert (report.problems, report.held) == ((), 0)
    assert books.verify().differences == ()
    after = store.records(ORG)
    strays = {"customers": STRAY, "orders": f"alleaves_{STRAY}", "products": STRAY}
    for collection, key in strays.items():
        assert after[collection].pop(key)["removedFromPosAt"]
    assert differences(before, after) == []
