"""The simulated Lightspeed as tests control it."""

from pathlib import Path
from typing import Any

import requests

from deploy.local.simulator.lightspeed.spec import RetailerSpec
from tests.simulated_pos import TIMEOUT_SECONDS, Record, SimulatedService

SMALL_RETAILER = RetailerSpec(
    id="org_till", customers=120, sales=260, ecom_orders=45, late=15, products=30, seed=5
)


class SimulatedLightspeed(SimulatedService):
    """The retailers at a server. The kinds are those of the API: ``customers``, ``sales``,
    ``products``, …"""

    def location(self, org_id: str) -> dict[str, Any]:
        """The document ``locations/{id}`` of the retailer's first outlet."""
        found = self.control("GET", "locations")
        first = next(each for each in found if each["id"] == f"{org_id}-1")
        document: dict[str, Any] = first["document"]
        return document

    def open(self, spec: RetailerSpec) -> None:
        """Take in one more retailer."""
        self.control("POST", "orgs", spec.model_dump(by_alias=True))

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

    def export(self, org_id: str, path: Path) -> None:
        """Write the eCom order export as it would be made now."""
        url = f"{self.url}/control/orgs/{org_id}/ecom_orders_export.csv"
        with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as reply, path.open("wb") as f:
            reply.raise_for_status()
            for part in reply.iter_content(65_536):
                f.write(part)

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
