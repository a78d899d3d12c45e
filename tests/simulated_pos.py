"""The simulated POS systems as tests control them, over their own control routes."""

from collections.abc import Sequence
from typing import Any

import requests

Record = dict[str, Any]

TIMEOUT_SECONDS = 300.0
"""A benchmark may make a thousand orgs in one call."""


class SimulatedService:
    """Reads and changes what the service at ``url`` holds, makes it fail, and counts its calls."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route; its decoded answer, None where that is empty."""
        url = f"{self.url}/control/{path}"
        reply = requests.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def data(self, org_id: str) -> dict[str, list[Record]]:
        """Every record of an org, by kind."""
        found: dict[str, list[Record]] = self.control("GET", f"orgs/{org_id}/data")
        return found

    def add(self, org_id: str, kind: str, record: Record) -> None:
        self.control("POST", f"orgs/{org_id}/{kind}", record)

    def change(self, org_id: str, kind: str, record_id: object, **fields: Any) -> None:
        self.control("PATCH", f"orgs/{org_id}/{kind}/{record_id}", fields)

    def fault(self, kind: str, **parameters: Any) -> None:
        """Misbehave from now on."""
        self.control("POST", "faults", {"kind": kind, **parameters})

    def clear_faults(self) -> None:
        self.control("DELETE", "faults")

    def total_calls(self) -> int:
        """Calls that the service has had since they were last reset."""
        return int(self.control("GET", "requests")["total"])

    def calls(self, org_id: str) -> dict[str, int]:
        """The same for one org, by endpoint."""
        orgs = self.control("GET", "requests")["orgs"]
        found: dict[str, int] = orgs.get(org_id, {}).get("calls", {})
        return found

    def reset_calls(self) -> None:
        self.control("DELETE", "requests")


class SimulatedPos(SimulatedService):
    """The simulated Alleaves."""

    def newest_order(self, org_id: str) -> Record:
        """The newest completed order that has a customer."""
        orders = self.data(org_id)["orders"]
        completed = (o for o in orders if o.get("status") == "completed" and o["id_customer"])
        return max(completed, key=lambda order: order["date_created"])

    def replace(self, org_id: str, kind: str, records: Sequence[Record]) -> None:
        """Replace all records of a kind."""
        self.control("PUT", f"orgs/{org_id}/{kind}", list(records))

    def change_row(self, org_id: str, row: Record, **fields: Any) -> None:
        """Change a stock row, found by its batch and area."""
        self.change(org_id, "inventory", f"{row['id_batch']}-{row['id_area']}", **fields)

    def discounts(self, org_id: str) -> list[Record]:
        found: list[Record] = self.control("GET", f"orgs/{org_id}/discounts")
        return found

    def set_discounts(self, org_id: str, *discounts: Record) -> None:
        """List these discounts and no others."""
        self.replace(org_id, "discounts", discounts)


def discount(number: int, ends: str | None, **fields: Any) -> Record:
    """A discount as the POS lists it: 20 percent off vapes until a moment."""
    return {
        "id_discount": number,
        "name": f"Discount {number}",
        "discount_type": "percent",
        "discount_value": 20,
        "start_date": "2020-01-01",
        "end_date": ends,
        "active": True,
        "conditions": {"categories": ["Vapes"], "brands": [], "products": []},
        "priority": 1,
    } | fields


def placed_order(template: Record, order_id: int, customer_id: object, at: str) -> Record:
    """An order over $100 as the POS lists it, like ``template`` but for what is given."""
    return {
        **template,
        "id_order": order_id,
        "id_customer": customer_id,
        "status": "completed",
        "total": "100.00",
        "date_created": at,
        "date_updated": at,
    }
