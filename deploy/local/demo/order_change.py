"""Which order to change at the POS, so that a customer's segment visibly follows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.simulator.truth import Figures, Truth, instant

RECENT_DAYS = 2
"""An ordinary sync looks back two days of the shop's own calendar."""
IN_PLACE: tuple[dict[str, Any], ...] = (
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
    """The first change of a recent order by which a customer's segment changes.

    If none does in place, a recent order turns out to be somebody else's, who had gone.
    """
    now = datetime.now(UTC)
    truth = Truth(data, zone)
    gone = [c for c, f in truth.figures.items() if f.segment(now) == "churned"]
    since = (now + timedelta(minutes=10)).date() - timedelta(days=RECENT_DAYS)
    recent = [
        (order, buyer)
        for order in data["orders"]
        if (buyer := truth.buyers[order["id_order"]]) is not None
        and instant(order["date_created"], zone).astimezone(ZoneInfo(zone)).date() >= since
    ]
    in_place = [(order, buyer, change) for order, buyer in recent for change in IN_PLACE]
    moved = [
        (order, customer, {"id_customer": customer, "status": "completed"})
        for order, _ in recent
        for customer in gone[:1]
    ]
    for order, customer, change in [*in_place, *moved]:
        before = truth.figures[customer].segment(now)
        after = _figures_after(data, zone, truth, order["id_order"], change, customer)
        if after.segment(now) != before:
            fields = change | {"date_updated": now.isoformat()}
            return OrderChange(order["id_order"], fields, customer, before, after.segment(now))
    return None


def _figures_after(
    data: dict[str, list[dict[str, Any]]],
    zone: str,
    truth: Truth,
    order_id: int,
    change: dict[str, Any],
    customer: int,
) -> Figures:
    """The customer's figures if the order changed so."""
    orders = [
        order | change if order["id_order"] == order_id else order
        for order in data["orders"]
        if order["id_order"] == order_id or truth.buyers[order["id_order"]] == customer
    ]
    customers = [each for each in data["customers"] if each["id_customer"] == customer]
    return Truth({"customers": customers, "orders": orders}, zone).figures[customer]
