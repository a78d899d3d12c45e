"""What the demo sees of an org: Firestore on one side, its POS's own data on the other."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import requests
from google.cloud import firestore

from deploy.local.simulator.truth import Truth

LOOK_SECONDS = 0.25
TIMEOUT_SECONDS = 30.0


class NotAsClaimed(Exception):
    """Something that the demo claims did not come true."""


class View:
    """One stack's Firestore and POS."""

    def __init__(self, client: firestore.Client, simulator: str) -> None:
        self._client = client
        self._simulator = simulator

    def orgs(self) -> list[dict[str, Any]]:
        """The orgs at the POS."""
        found: list[dict[str, Any]] = self.pos("GET", "orgs")
        return found

    def truth(self, org: dict[str, Any]) -> Truth:
        """What the POS's own data says should be stored."""
        return Truth(self.pos("GET", f"orgs/{org['id']}/data"), org["timezone"])

    def pos(self, method: str, path: str, body: object = None) -> Any:
        """Speak to the POS's control routes."""
        url = f"{self._simulator}/control/{path}"
        reply = requests.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def document(self, path: str) -> dict[str, Any]:
        return self._client.document(path).get(timeout=TIMEOUT_SECONDS).to_dict() or {}

    def count(self, collection: str) -> int:
        documents = self._client.collection(collection).list_documents(timeout=TIMEOUT_SECONDS)
        return sum(1 for _ in documents)

    def status(self, org_id: str) -> dict[str, Any]:
        return self.document(f"tenants/{org_id}/integrations/pos")

    def run(self, org_id: str, run_id: str) -> dict[str, Any]:
        return self.document(f"tenants/{org_id}/sync_runs/{run_id}")

    def figures(self, org_id: str) -> dict[int, tuple[Decimal, int, str]]:
        """Spent, number of orders and segment of each customer, as stored."""
        fields = ["totalSpent", "orderCount", "segment"]
        found = self._client.collection(f"tenants/{org_id}/customers").select(fields)
        return {
            int(document.id): (
                Decimal(str(document.get("totalSpent") if "totalSpent" in given else -1)),
                given.get("orderCount", -1),
                given.get("segment", "not computed yet"),
            )
            for document in found.stream(timeout=TIMEOUT_SECONDS)
            if (given := document.to_dict()) is not None
        }

    def agrees(self, org_id: str, truth: Truth) -> bool:
        """Whether every customer's stored figures are those that the POS's data says."""
        now = datetime.now(UTC)
        expected = {
            customer: (figures.spent, len(figures.moments), figures.segment(now))
            for customer, figures in truth.figures.items()
        }
        return self.figures(org_id) == expected

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
