"""What the demo sees of an org: Firestore on one side, its POS's own data on the other."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import requests
from google.cloud import firestore

from deploy.local.demo.expected import Expected, at_alleaves, at_lightspeed
from deploy.local.simulation import Simulators

LOOK_SECONDS = 0.25
TIMEOUT_SECONDS = 30.0


class NotAsClaimed(Exception):
    """Something that the demo claims did not come true."""


class View:
    """One stack's Firestore and the POS systems of its orgs."""

    def __init__(self, client: firestore.Client, pos: Simulators) -> None:
        self._client = client
        self._pos = pos

    def orgs(self, *providers: str) -> list[dict[str, Any]]:
        """The orgs, each with its ``provider``; those of all providers unless some are given."""
        return [
            {**org, "provider": provider}
            for provider in providers or self._pos._fields
            for org in self.pos(provider, "GET", "orgs")
        ]

    def expected(self, org: dict[str, Any], *, imported: bool = False) -> Expected:
        """What the POS's own data says should be stored; with all eCom orders where their export
        was ``imported``."""
        data = self.pos(org["provider"], "GET", f"orgs/{org['id']}/data")
        if org["provider"] == "alleaves":
            return at_alleaves(data, org["timezone"])
        return at_lightspeed(data, org["timezone"], imported=imported)

    def pos(self, provider: str, method: str, path: str, body: object = None) -> Any:
        """Speak to a POS's control routes."""
        url = f"{getattr(self._pos, provider)}/control/{path}"
        reply = requests.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def export(self, org_id: str) -> bytes:
        """The eCom order export of an org, as it would be made now."""
        url = f"{self._pos.lightspeed}/control/orgs/{org_id}/ecom_orders_export.csv"
        reply = requests.get(url, timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
        return reply.content

    def document(self, path: str) -> dict[str, Any]:
        return self._client.document(path).get(timeout=TIMEOUT_SECONDS).to_dict() or {}

    def count(self, collection: str) -> int:
        documents = self._client.collection(collection).list_documents(timeout=TIMEOUT_SECONDS)
        return sum(1 for _ in documents)

    def status(self, org_id: str) -> dict[str, Any]:
        return self.document(f"tenants/{org_id}/integrations/pos")

    def run(self, org_id: str, run_id: str) -> dict[str, Any]:
        return self.document(f"tenants/{org_id}/sync_runs/{run_id}")

    def channels(self, org_id: str) -> dict[str, int]:
        """How many orders each channel has, as stored."""
        orders = self._client.collection(f"tenants/{org_id}/orders").select(["channel"])
        found = orders.stream(timeout=TIMEOUT_SECONDS)
        return dict(Counter(str(order.get("channel")) for order in found))

    def waiting(self, org_id: str) -> int:
        """How many imported eCom orders have no sale yet."""
        fields = ["source", "supersededBy"]
        orders = self._client.collection(f"tenants/{org_id}/orders").select(fields)
        found = (order.to_dict() or {} for order in orders.stream(timeout=TIMEOUT_SECONDS))
        return sum(each["source"] == "ecom" and not each.get("supersededBy") for each in found)

    def figures(self, org_id: str) -> dict[str, tuple[Decimal, int, str]]:
        """Spent, number of orders and segment of each customer, as stored."""
        fields = ["totalSpent", "orderCount", "segment"]
        found = self._client.collection(f"tenants/{org_id}/customers").select(fields)
        return {
            document.id: (
                Decimal(str(document.get("totalSpent") if "totalSpent" in given else -1)),
                given.get("orderCount", -1),
                given.get("segment", "not computed yet"),
            )
            for document in found.stream(timeout=TIMEOUT_SECONDS)
            if (given := document.to_dict()) is not None
        }

    def agrees(self, org_id: str, expected: Expected) -> bool:
        """Whether every customer's stored figures are those that the POS's data says."""
        now = datetime.now(UTC)
        figures = {
            customer: (figures.spent, len(figures.moments), figures.segment(now))
            for customer, figures in expected.figures.items()
        }
        return self.figures(org_id) == figures

    def segments(self, org_id: str) -> dict[str, int]:
        """How many customers are in each segment, as stored."""
        return dict(sorted(Counter(each[2] for each in self.figures(org_id).values()).items()))


def wait_until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Look again and again. Raises NotAsClaimed when ``what`` has not come true in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise NotAsClaimed(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(LOOK_SECONDS)
