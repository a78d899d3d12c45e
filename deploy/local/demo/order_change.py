"""Which order to change at the POS, so that a customer's segment visibly follows."""

import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.local.simulator.truth import Truth, instant

RECENT = timedelta(days=1)
CHANGES: tuple[dict[str, Any], ...] = (
    {"status": "completed"},
    {"status": "completed", "total": 1500.0},
    {"status": "cancelled"},
)


@dataclass(frozen=True)
class OrderChange:
    """A change of one recent order, and what it must do to its customer."""

    order_id: int
    fields: dict[str, Any]
    customer_id: int
    before: str
    after: str


def find(data: dict[str, list[dict[str, Any]]], zone: str) -> OrderChange | None:
    """The first change of a recent order by which its customer's segment changes."""
    now = datetime.now(UTC)
    truth = Truth(data, zone)
    for order in data["orders"]:
        buyer = truth.buyers[order["id_order"]]
        if buyer is None or now - instant(order["date_created"], zone) > RECENT:
            continue
        mine = [o for o in data["orders"] if truth.buyers[o["id_order"]] == buyer]
        customer = [c for c in data["customers"] if c["id_customer"] == buyer]
        before = truth.figures[buyer].segment(now)
        for change in CHANGES:
            changed = copy.deepcopy(mine)
            next(o for o in changed if o["id_order"] == order["id_order"]).update(change)
            after = Truth({"customers": customer, "orders": changed}, zone).figures[buyer]
            if after.segment(now) != before:
                fields = change | {"date_updated": now.isoformat()}
                return OrderChange(order["id_order"], fields, buyer, before, after.segment(now))
    return None
