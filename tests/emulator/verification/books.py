"""What is stored of an org, to be made wrong by hand, verified and repaired."""

from collections.abc import Callable
from typing import Any

from shared.services.verification.repair import Repair
from shared.services.verification.result import RepairReport, Verification
from shared.services.verification.verify import Verify
from tests.emulator.environment import Environment

MENU = "publicViews/products/items"


class Books:
    """What is stored of the org; ``verify`` holds it against the POS."""

    def __init__(self, environment: Environment, org_id: str) -> None:
        self.org_id = org_id
        self.environment = environment
        self.client = environment.client
        self.store = environment.store
        self.verifier = Verify(
            environment.database, environment.sync.connector.open, environment.clock.now, 60, 1
        )
        self._repair = Repair(self.verifier, environment.sync.service())

    def sync(self) -> None:
        """A run, and the spending that it asks for."""
        self.environment.sync.run(self.org_id)
        self.environment.spending.compute_requested()

    def verify(self) -> Verification:
        return self.verifier(self.org_id)

    def repair(self, found: Verification) -> RepairReport:
        """A repair, and the spending that it asks for."""
        report = self._repair.mend(found)
        self.environment.spending.compute_requested()
        return report

    def path(self, collection: str, key: str) -> str:
        return f"tenants/{self.org_id}/{collection}/{key}"

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

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        return self.store.documents(f"tenants/{self.org_id}/{collection}")

    def keys(self, collection: str, fits: Callable[[dict[str, Any]], object]) -> list[str]:
        """Ids of the documents that fit, in order."""
        return sorted(key for key, fields in self.documents(collection).items() if fits(fields))


def kinds(found: Verification) -> dict[str, set[str]]:
    """The kinds of differences by path."""
    by_path: dict[str, set[str]] = {}
    for each in found.differences:
        by_path.setdefault(each.path, set()).add(each.kind)
    return by_path


def bought_twice(customer: dict[str, Any]) -> bool:
    return bool(customer.get("orderCount", 0) > 1)


def counts(order: dict[str, Any]) -> bool:
    return bool(order["status"] == "completed" and order["total"] > 0 and order["source"] != "ecom")


def on_sale(product: dict[str, Any]) -> bool:
    return bool(product["isOnSale"])
