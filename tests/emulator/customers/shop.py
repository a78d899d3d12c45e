"""One org in the Firestore emulator whose customers and orders a test writes by hand."""

from datetime import timedelta
from typing import Any

from google.cloud.firestore import Client

from shared.bus.messages import ComputeSpending
from shared.services.spending.compute import SpendingService
from shared.store import customers
from shared.store.database import Database
from tests.fakes import START, RecordingPublisher, SteppingClock

ORG = "org_shop"
NOW = START


class Shop:
    """The org, its spending service and a clock that the test sets."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.database = Database(client)
        self.clock = SteppingClock(NOW)
        self.requests = RecordingPublisher()
        self.service = self.another_instance()
        client.document(f"tenants/{ORG}").set({"name": "Shop"})

    def another_instance(self) -> SpendingService:
        """A service as a further instance of ``spending`` has one."""
        return SpendingService(self.database, self.requests, self.clock.now, seconds=60)

    def customer(self, customer_id: str, **fields: Any) -> None:
        """Have a customer as a sync writes one."""
        fields = {"email": "no-email@alleaves.local", "orgId": ORG, **fields, "id": customer_id}
        self.database.commit([customers.put(ORG, fields, now=self.clock.now(), first=False)])

    def order(
        self,
        order_id: str,
        customer_id: str,
        total: float,
        *items: tuple[str, str, int],
        days_ago: float = 10,
        **fields: Any,
    ) -> None:
        """Have an order; ``items`` are product id, category and quantity."""
        self.orders_collection.document(order_id).set(
            {
                "id": order_id,
                "orgId": ORG,
                "customerId": customer_id,
                "status": "completed",
                "type": "in_store",
                "total": total,
                "createdAt": self.clock.now() - timedelta(days=days_ago),
                "items": [
                    {"productId": i, "name": f"P{i}", "category": c, "quantity": q, "price": 10.0}
                    for i, c, q in items
                ],
                **fields,
            }
        )

    def product(self, product_id: str, category: str, price: float, **fields: Any) -> None:
        """Have a product on the menu."""
        whole = {"id": product_id, "category": category, "price": price, "available": True}
        path = f"tenants/{ORG}/publicViews/products/items/{product_id}"
        self.client.document(path).set(whole | fields)

    def compute(self, *customer_ids: str) -> tuple[int, int]:
        """Compute these customers, or all; the documents read and written."""
        meter = self.database.meter
        reads, writes = meter.reads, meter.writes
        self.service(ComputeSpending(org_id=ORG, customer_ids=customer_ids or None))
        return meter.reads - reads, meter.writes - writes

    def read(self, customer_id: str) -> dict[str, Any]:
        return self.document(f"customers/{customer_id}")

    def spent(self, key: str) -> dict[str, Any]:
        return self.document(f"customer_spending/{key}")

    def document(self, path: str) -> dict[str, Any]:
        return self.client.document(f"tenants/{ORG}/{path}").get().to_dict() or {}

    @property
    def orders_collection(self) -> Any:
        return self.client.collection(f"tenants/{ORG}/orders")
