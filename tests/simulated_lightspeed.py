"""The simulated Lightspeed as tests control it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.local.simulator.lightspeed.export import write_export
from deploy.local.simulator.lightspeed.server import LightspeedServer
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from tests.simulated_pos import Record, SimulatedService

SMALL_RETAILER = RetailerSpec(
    id="org_till", customers=120, sales=260, ecom_orders=45, late=15, products=30, seed=5
)


class SimulatedLightspeed(SimulatedService):
    """The server and its control routes. The kinds are those of the API: ``customers``, ``sales``,
    ``products``, …"""

    def __init__(self, server: LightspeedServer) -> None:
        super().__init__(server.url)
        self.server = server

    def location(self, org_id: str) -> dict[str, Any]:
        """The document ``locations/{id}`` of the first outlet."""
        found = self.server.simulation.get(org_id).location_documents(self.url)
        document: dict[str, Any] = found[0]["document"]
        return document

    def newest_sale(self, org_id: str) -> Record:
        """The newest closed sale over the counter that has a customer."""
        closed = (
            sale
            for sale in self.data(org_id)["sales"]
            if sale["status"] == "CLOSED" and sale["customer_id"] and sale["source"] == "USER"
            if not (sale["deleted_at"] or sale["return_for"] or sale["note"])
        )
        return max(closed, key=lambda sale: str(sale["created_at"]))

    def set_status(self, org_id: str, sale_id: object, status: str) -> None:
        """A sale comes into another of the fourteen states."""
        self.control("POST", f"orgs/{org_id}/sales/{sale_id}/status", {"status": status})

    def delete(self, org_id: str, kind: str, record_id: object) -> None:
        """A record is deleted; it stays in the list of deleted ones."""
        self.control("DELETE", f"orgs/{org_id}/{kind}/{record_id}")

    def late_orders(self, org_id: str) -> list[int]:
        """Numbers of the eCom orders that have not arrived."""
        found = self.control("GET", f"orgs/{org_id}/ecom")
        return sorted(each["number"] for each in found if each["late"])

    def let_arrive(self, org_id: str, *numbers: int) -> list[str]:
        """These eCom orders arrive, or all that are late; the ids of their sales."""
        body = {"numbers": list(numbers)} if numbers else {}
        sales: list[str] = self.control("POST", f"orgs/{org_id}/ecom/arrivals", body)["sales"]
        return sales

    def place_ecom_order(self, org_id: str) -> int:
        """Somebody orders in the eCom shop; the order's number."""
        return int(self.control("POST", f"orgs/{org_id}/ecom")["number"])

    def export(self, org_id: str, path: Path) -> int:
        """Write the eCom order export as it would be made now; how many rows it has."""
        rows: Iterable[list[str]] = self.server.simulation.get(org_id).data.export()
        return write_export(path, rows)

    def register_webhook(self, org_id: str, kind: str, url: str) -> None:
        """Register a webhook (``sale.update``) by hand: its deliveries are not signed."""
        self.control("POST", f"orgs/{org_id}/webhooks", {"type": kind, "url": url})

    def announce(self, org_id: str, kind: str, record_id: object) -> None:
        """Send the webhooks of a record once more."""
        self.control("POST", f"orgs/{org_id}/announcements", {"kind": kind, "id": record_id})

    def deliveries(self, org_id: str) -> list[Record]:
        """The attempts to deliver webhooks so far, oldest first."""
        found: list[Record] = self.control("GET", f"orgs/{org_id}/deliveries")
        return found
