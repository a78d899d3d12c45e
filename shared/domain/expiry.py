"""Stock that is about to expire, and what it might still be sold for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from shared.domain.identity import natural
from shared.domain.inventory import InventoryRow

MARKDOWNS = ((7, 50), (14, 35), (30, 20))
"""Percent off the price up to that many days before expiry, the nearest first."""

EARLY_MARKDOWN = 10
"""Percent off the price where there is more time than that."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sellable stock of one batch. ``cost_cents`` and ``price_cents`` are per unit."""

    item_id: str
    batch_id: str
    location_id: str
    name: str
    quantity: Decimal
    expires_on: date
    cost_cents: int | None
    price_cents: int | None


@dataclass(frozen=True, slots=True)
class Expiring:
    """A batch and its outlook.

    ``days_left`` is 0 on its last day and below 0 once it has expired. ``cost_at_risk_cents`` is
    what the stock cost, None where the cost is not known. ``clearance_price_cents`` is None where
    there is no price to lower, no room above the cost, or no time left.
    """

    batch: Batch
    days_left: int
    cost_at_risk_cents: int | None
    clearance_price_cents: int | None


def has_expired(expires_on: date, today: date) -> bool:
    """Whether the last day is over; ``today`` is the location's own date."""
    return expires_on < today


def without_expired(rows: Iterable[InventoryRow], today: date) -> tuple[InventoryRow, ...]:
    """The rows of one location, expired ones no longer sellable. ``today`` is its own date."""
    return tuple(
        replace(row, sellable=False)
        if row.date_expire and has_expired(date.fromisoformat(row.date_expire), today)
        else row
        for row in rows
    )


def expiring(
    batches: Iterable[Batch], *, today: date, within_days: int, min_quantity: Decimal
) -> tuple[Expiring, ...]:
    """Batches of at least ``min_quantity`` with at most ``within_days`` left, expired ones too.

    The most urgent come first; on one day those with the most cost at risk.
    """
    found = [
        _outlook(batch, (batch.expires_on - today).days)
        for batch in batches
        if batch.quantity >= min_quantity and (batch.expires_on - today).days <= within_days
    ]
    return tuple(sorted(found, key=urgency))


def clearance_price(price_cents: int, cost_cents: int | None, days_left: int) -> int | None:
    """A price that may still sell it: MARKDOWNS off, half up to the cent, never below cost.

    None where the batch has expired, or where the cost leaves no room below the price: some
    states forbid sales below cost, so that step is left to a person.
    """
    if days_left < 0:
        return None
    percent = next((off for days, off in MARKDOWNS if days_left <= days), EARLY_MARKDOWN)
    lowered = max(_whole(Decimal(price_cents) * (100 - percent) / 100), cost_cents or 0)
    return lowered if lowered < price_cents else None


def _outlook(batch: Batch, days_left: int) -> Expiring:
    cost, price = batch.cost_cents, batch.price_cents
    return Expiring(
        batch=batch,
        days_left=days_left,
        cost_at_risk_cents=None if cost is None else _whole(cost * batch.quantity),
        clearance_price_cents=None if price is None else clearance_price(price, cost, days_left),
    )


def urgency(found: Expiring) -> tuple[object, ...]:
    """Sort key: the least time first, on one day the most cost at risk."""
    batch = found.batch
    ids = (natural(batch.item_id), natural(batch.batch_id), natural(batch.location_id))
    return (found.days_left, -(found.cost_at_risk_cents or 0), *ids)


def _whole(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))
