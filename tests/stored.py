"""What stands in Firestore."""

from datetime import datetime
from typing import Any

from google.cloud.firestore import Client

MENU = "publicViews/products/items"
RECORDS = ("customers", "orders", "customer_spending", "products", MENU)
VOLATILE = frozenset({"updatedAt", "syncRunId", "rfm"})
"""When and by which run a record was written, and ranks as of the last look at all customers."""

Fields = dict[str, Any]


class StoredDocuments:
    """Reads documents, without any of the product's code."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def document(self, path: str) -> Fields:
        """Empty where there is none."""
        return self._client.document(path).get().to_dict() or {}

    def documents(self, collection: str) -> dict[str, Fields]:
        """Every document of a collection, by id."""
        return {d.id: d.to_dict() or {} for d in self._client.collection(collection).stream()}

    def status(self, org_id: str) -> Fields:
        """What people see of an org's sync."""
        return self.document(f"tenants/{org_id}/integrations/pos")

    def run(self, org_id: str, run_id: str) -> Fields:
        return self.document(f"tenants/{org_id}/sync_runs/{run_id}")

    def runs(self, org_id: str) -> dict[str, Fields]:
        return self.documents(f"tenants/{org_id}/sync_runs")

    def records(self, org_id: str) -> dict[str, dict[str, Fields]]:
        """Every record of an org by collection and id, without VOLATILE."""
        return {
            name: {
                key: {field: value for field, value in fields.items() if field not in VOLATILE}
                for key, fields in self.documents(f"tenants/{org_id}/{name}").items()
            }
            for name in RECORDS
        }

    def everything(self, org_id: str) -> dict[str, tuple[datetime | None, Fields]]:
        """Every document of an org by path, with the time of its last write."""
        return {
            found.reference.path: (found.update_time, found.to_dict() or {})
            for collection in self._client.document(f"tenants/{org_id}").collections()
            for found in collection.recursive().stream()
        }


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two sets of records differ, a line each."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for key in sorted(before.keys() | after.keys())
            for line in differences(before.get(key), after.get(key), f"{path}/{key}")
        ]
    return [] if before == after else [f"{path}: {before!r} -> {after!r}"]
