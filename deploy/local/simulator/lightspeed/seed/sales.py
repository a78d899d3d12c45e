"""Sales over the counter, in every state that a sale may be in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from deploy.local.simulator.lightspeed.seed.catalogue import Assortment
from deploy.local.simulator.lightspeed.seed.ids import iso_text, record_id
from deploy.local.simulator.lightspeed.seed.sale import Bought, Draft
from deploy.local.simulator.seed.calendar import CLEAR_AGES, Calendar
from deploy.local.simulator.seed.order_plan import Buyer, Placement, plan_orders

_WALK_IN_SHARE = 0.06
_EVERY = 97
"""Of so many sales one is each of these."""
_STATUS_AT = {
    3: "LAYBY",
    8: "LAYBY_CLOSED",
    14: "ONACCOUNT",
    21: "ONACCOUNT_CLOSED",
    29: "SAVED",
    34: "VOIDED",
    38: "AWAITING_PICKUP",
    45: "AWAITING_DISPATCH",
    52: "PICKED_UP_CLOSED",
    58: "DISPATCHED_CLOSED",
    63: "SERVICE",
    70: "SERVICE_CLOSED",
    77: "OPEN",
}
_RETURN_EVERY = 31
_DELETED_EVERY = 211
_NOTED_EVERY = 307
_ONLINE_TILL_EVERY = 401
_VIP_CENTS = 11_000
_NUMBERS_BY_HAND = 90_000
"""eCom orders that a cashier rings up by hand have numbers from here on."""


def plan_sales(customers: int, sales: int, rng: Random) -> list[Placement]:
    """Exactly so many placements, oldest first: whose, and how many days ago."""
    walk_ins = round(sales * _WALK_IN_SHARE)
    nobody = [Placement(rng.choice(CLEAR_AGES), None, None) for _ in range(walk_ins)]
    planned = [*plan_orders(customers, sales - walk_ins, rng), *nobody]
    return sorted(planned, key=lambda placement: -placement.age_days)


def generate_sales(
    plan: Sequence[Placement],
    people: list[dict[str, Any]],
    catalogue: Assortment,
    calendar: Calendar,
    rng: Random,
) -> list[Draft]:
    """A sale for each placement, oldest first; one that is returned names its returns. Their
    invoice numbers are given later."""
    dated = [(calendar.opening_hours(placement.age_days, rng), placement) for placement in plan]
    dated.sort(key=lambda pair: pair[0])
    drafts: list[Draft] = []
    returnable: dict[str, int] = {}
    for index, (created, placement) in enumerate(dated):
        customer_id = None if placement.customer is None else people[placement.customer]["id"]
        if customer_id in returnable and index % _RETURN_EVERY < 2:
            at = returnable.pop(customer_id)
            taken_back = _return(drafts[at], created, catalogue, rng)
            drafts[at] = replace(drafts[at], return_ids=(taken_back.id,))
            drafts.append(taken_back)
            continue
        draft = _sale(index, created, placement, customer_id, catalogue, rng)
        if draft.status == "CLOSED" and customer_id and not draft.deleted_at:
            returnable[customer_id] = len(drafts)
        drafts.append(draft)
    return drafts


def _sale(
    index: int,
    created: datetime,
    placement: Placement,
    customer_id: str | None,
    catalogue: Assortment,
    rng: Random,
) -> Draft:
    regular = placement.buyer in (Buyer.VIP, Buyer.LOYAL)
    deleted = index % _DELETED_EVERY == _DELETED_EVERY // 2
    noted = index % _NOTED_EVERY == _NOTED_EVERY // 2
    online = index % _ONLINE_TILL_EVERY == _ONLINE_TILL_EVERY // 2
    return Draft(
        id=record_id(rng),
        number=0,
        status="CLOSED" if regular else _STATUS_AT.get(index % _EVERY, "CLOSED"),
        created=created,
        lines=_lines(catalogue, placement.buyer is Buyer.VIP, rng),
        customer_id=customer_id,
        register=catalogue.online if online else rng.choice(catalogue.tills),
        note=f"Order ID: {_NUMBERS_BY_HAND + index}, 12 Invented Street" if noted else "",
        deleted_at=iso_text(created + timedelta(hours=2)) if deleted else None,
    )


def _return(sale: Draft, created: datetime, catalogue: Assortment, rng: Random) -> Draft:
    return Draft(
        id=record_id(rng),
        number=0,
        status="CLOSED",
        created=created,
        lines=tuple(replace(line, quantity=-line.quantity) for line in sale.lines),
        customer_id=sale.customer_id,
        register=rng.choice(catalogue.tills),
        return_for=sale.id,
    )


def _lines(catalogue: Assortment, big: bool, rng: Random) -> tuple[Bought, ...]:
    """One to three lines; a ``big`` basket goes on until it is worth a VIP's."""
    lines: list[Bought] = []
    wanted = rng.randint(1, 3)
    while catalogue.wares and (
        len(lines) < wanted or (big and sum(line.net_cents for line in lines) < _VIP_CENTS)
    ):
        ware = rng.choice(catalogue.wares)
        off = ware.price_cents // 10 if rng.random() < 0.1 and not big else 0
        lines.append(Bought(ware, rng.choice((1, 1, 1, 2)), off))
    return tuple(lines)
