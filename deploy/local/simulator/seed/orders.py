"""Orders as ``GET /order`` lists them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from deploy.local.simulator.seed.calendar import Calendar, local_text, utc_text
from deploy.local.simulator.seed.catalog import Product
from deploy.local.simulator.seed.order_buyer import BuyerFields
from deploy.local.simulator.seed.order_lines import Lines, draw_lines, refunded
from deploy.local.simulator.seed.order_plan import Buyer, Placement
from deploy.local.simulator.seed.order_status import COUNTING_STATUSES, RETAIL, type_and_status

FIRST_ORDER_ID = 500_001
_REGULARS = (Buyer.VIP, Buyer.LOYAL)
_REFUND_SHARE = 0.06


def generate_orders(
    plan: list[Placement],
    buyers: BuyerFields,
    products: list[Product],
    locations: tuple[int, ...],
    calendar: Calendar,
    rng: Random,
) -> Iterator[dict[str, Any]]:
    """One order for each placement, ids ascending with time."""
    refundable: dict[int, Lines] = {}
    dated = [(calendar.opening_hours(placement.age_days, rng), placement) for placement in plan]
    dated.sort(key=lambda pair: pair[0])
    for index, (created, placement) in enumerate(dated):
        regular = placement.buyer in _REGULARS
        order_type, status = type_and_status(regular, rng)
        customer = placement.customer
        if customer in refundable and not regular and rng.random() < _REFUND_SHARE:
            order_type, status = RETAIL, "completed"
            lines = refunded(refundable.pop(customer))
        else:
            lines = draw_lines(products, placement.buyer is Buyer.VIP, rng)
            if customer is not None and status in COUNTING_STATUSES:
                refundable[customer] = lines
        who = buyers.of_nobody() if customer is None else buyers.of_customer(customer)
        yield {
            "id_order": FIRST_ORDER_ID + index,
            **who,
            "patient_number": None,
            "type": order_type,
            "id_location": rng.choice(locations),
            **_dates(created, order_type, rng),
            **_progress(status, rng),
            **lines.wire(FIRST_ORDER_ID + index, rng),
        }


def _dates(created: datetime, order_type: str, rng: Random) -> dict[str, Any]:
    """In-store times carry no zone and are the shop's own; online orders carry a Z."""
    updated = created + timedelta(minutes=rng.randrange(1, 90))
    ready_by = created + timedelta(minutes=45)
    return {
        "date_created": local_text(created) if order_type == RETAIL else utc_text(created),
        "date_updated": utc_text(updated),
        "pickup_date": ready_by.date().isoformat() if order_type == "pickup" else None,
        "pickup_time": ready_by.strftime("%H:%M") if order_type == "pickup" else None,
    }


def _progress(status: str | None, rng: Random) -> dict[str, Any]:
    """Sales over the counter come with a null status, or without the key."""
    done = status in (None, "completed", "delivered")
    fields: dict[str, Any] = {"complete": done, "paid_in_full": done or status == "ready"}
    if status is not None or rng.random() < 0.5:
        fields["status"] = status
    return fields
