"""``tenants/{orgId}/skipped_orders/{orderId}``: orders that match no customer, and why."""

from datetime import datetime
from typing import Any

from shared.domain.changes import fingerprint
from shared.domain.money import to_dollars
from shared.domain.order_matching import SkipReason
from shared.domain.orders import Order
from shared.store import paths
from shared.store.database import Put, Remove
from shared.store.manifest import Manifest

OWNED = (
    *("orderId", "externalId", "posCustomerId", "reason", "message", "total", "createdAt"),
    *("runId", "orgId"),
)
"""``firstSeenAt`` is written with the first reason only."""


class SkippedOrders:
    """The documents of an org's skipped orders. Not safe for threads.

    New ones are committed together with the manifest that knows of them (Session.keep), so that a
    crash leaves none that no later run would remove.
    """

    def __init__(self, org_id: str, manifest: Manifest) -> None:
        self._org_id = org_id
        self._manifest = manifest
        self._puts: dict[str, Put] = {}

    def __len__(self) -> int:
        """How many writes wait for the manifest."""
        return len(self._puts)

    def add(self, order: Order, reason: SkipReason, *, run_id: str, now: datetime) -> None:
        """Note that the order is skipped. What is stored already costs no write."""
        fields = _fields(self._org_id, order, reason)
        found, before = fingerprint(fields), self._manifest.skipped(order.id)
        if found == before:
            return
        owned: tuple[str, ...] = OWNED
        if not before:
            fields["firstSeenAt"] = now
            owned = (*OWNED, "firstSeenAt")
        self._manifest.skip(order.id, found)
        self._puts[order.id] = Put(self._path(order.id), fields | {"runId": run_id}, owned=owned)

    def withdraw(self, order_id: str) -> list[Remove]:
        """The writes for an order that matches now, to go with its own, before the manifest has
        the order as stored."""
        self._puts.pop(order_id, None)
        return [Remove(self._path(order_id))] if self._manifest.skipped(order_id) else []

    def take_writes(self) -> list[Put]:
        """The writes of what was added since the last time."""
        puts, self._puts = list(self._puts.values()), {}
        return puts

    def _path(self, order_id: str) -> str:
        return f"{paths.skipped_orders(self._org_id)}/{order_id}"


def _fields(org_id: str, order: Order, reason: SkipReason) -> dict[str, Any]:
    """What a person needs to find the order at the POS: no name, no e-mail, no telephone number."""
    fields = {
        "orderId": order.id,
        "externalId": order.external_id,
        "posCustomerId": order.pos_customer_id,
        "reason": reason.value,
        "message": reason.message,
        "total": to_dollars(order.total_cents),
        "createdAt": order.created_at,
        "orgId": org_id,
    }
    return {name: value for name, value in fields.items() if value is not None}
