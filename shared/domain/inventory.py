"""Stock: the rows of a POS stock list, its batches, and those that are about to expire.

Dates are ISO dates, prices and costs cents per unit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from shared.domain.ids import natural_key
from shared.domain.money import round_half_up

BATCH_DETAIL_TTL = timedelta(hours=24)
"""How long the answer of a look-up, or its failure, is valid."""
URGENT_DAYS = 30
"""A person will handle a batch with at most so many days left, and needs its package tag."""
MARKDOWNS = ((7, 50), (14, 35), (30, 20))
"""Percent off the price up to that many days before expiry, the nearest first."""
EARLY_MARKDOWN = 10
"""Percent off the price where there is more time than that."""


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """POS-owned facts of one row: a batch of an item in an area of a location.

    ``prices`` maps the POS's price fields (``price_otd_adult_use``, …) to cents, None where the
    POS gives none. ``sellable`` says whether the row's area and batch may be sold from (not
    damaged, held, closed or deleted). ``package_tag`` is that of the state's tracking system.
    ``area_id`` names the row's area where nothing else in the row does. ``image_url`` is the
    address of the POS's picture.
    """

    item_id: str
    batch_id: str | None
    location_id: str
    name: str
    brand: str | None
    vendor: str | None
    category_path: str
    strain: str | None
    on_hand: Decimal
    available: Decimal
    sellable: bool
    prices: tuple[tuple[str, int | None], ...]
    cost_cents: int | None
    batch_cost_cents: int | None
    thc_percent: Decimal | None
    cbd_percent: Decimal | None
    date_expire: str | None
    date_received: str | None = None
    package_tag: str | None = None
    area_id: str | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True)
class StockArea:
    """A named part of a location. ``sellable``: stock that lies there may be sold."""

    id: str
    name: str
    sellable: bool


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """What a single look-up says of a batch."""

    expires_on: str | None = None
    package_tag: str | None = None
    packaged_on: str | None = None
    produced_on: str | None = None
    harvested_on: str | None = None


@dataclass(frozen=True, slots=True)
class BatchStock:
    """Stock of a batch at a location that may be sold but for its age. ``detail`` is what was
    looked up, at ``looked_up_at`` (aware UTC)."""

    batch_id: str
    location_id: str
    item_id: str
    quantity: Decimal
    cost_cents: int | None
    vendor: str | None
    expires_on: str | None
    received_on: str | None
    package_tag: str | None
    detail: BatchDetail = BatchDetail()
    looked_up_at: datetime | None = None

    @property
    def last_day(self) -> str | None:
        """The date on which it expires: the stock list's, else the look-up's."""
        return self.expires_on or self.detail.expires_on

    @property
    def tag(self) -> str | None:
        """The package tag: the stock list's, else the look-up's."""
        return self.package_tag or self.detail.package_tag


def batches_in(rows: Iterable[InventoryRow]) -> list[BatchStock]:
    """One entry per batch and location, in natural order; rows that name no batch are left out."""
    found: defaultdict[tuple[str, str], list[InventoryRow]] = defaultdict(list)
    for row in rows:
        if row.batch_id is not None:
            found[row.batch_id, row.location_id].append(row)
    ordered = sorted(found.items(), key=lambda item: tuple(map(natural_key, item[0])))
    return [_batch(sorted(rows, key=repr)) for _, rows in ordered]


def batches_to_look_up(
    batches: Iterable[BatchStock], *, today: date, now: datetime, limit: int
) -> list[str]:
    """Ids of the batches to look up, at most ``limit``: those for sale whose expiry the stock list
    does not give, then the urgent ones without a package tag. Not within BATCH_DETAIL_TTL."""
    soon = (today + timedelta(days=URGENT_DAYS)).isoformat()
    wanted: dict[str, tuple[object, ...]] = {}
    for batch in batches:
        fresh = batch.looked_up_at is not None and now - batch.looked_up_at < BATCH_DETAIL_TTL
        last_day = batch.expires_on
        doubtful = last_day is None or (last_day <= soon and batch.package_tag is None)
        if batch.quantity > 0 and doubtful and not fresh:
            wanted[batch.batch_id] = (last_day or "", natural_key(batch.batch_id))
    return sorted(wanted, key=wanted.__getitem__)[:limit]


def items_missing_batches(before: Iterable[BatchStock], listed: Iterable[BatchStock]) -> set[str]:
    """Ids of the items that had stock in a batch that is not listed any more: in a list that is
    not believed to be complete, the rest of such an item is only a part of it."""
    still = {(batch.batch_id, batch.location_id) for batch in listed}
    return {
        batch.item_id
        for batch in before
        if batch.quantity > 0 and (batch.batch_id, batch.location_id) not in still
    }


def in_known_areas(rows: Iterable[InventoryRow], areas: Iterable[StockArea]) -> list[InventoryRow]:
    """The rows, those of an area that may not be sold from no longer sellable."""
    closed = {area.id for area in areas if not area.sellable}
    return [replace(row, sellable=False) if row.area_id in closed else row for row in rows]


def with_known_expiry(
    rows: Iterable[InventoryRow], last_days: Mapping[str, str]
) -> list[InventoryRow]:
    """The rows, those without an expiry date with that of their batch (by batch id)."""
    return [
        row
        if row.date_expire or row.batch_id is None
        else replace(row, date_expire=last_days.get(row.batch_id))
        for row in rows
    ]


def _batch(rows: list[InventoryRow]) -> BatchStock:
    lead = rows[0]
    total = sum((row.available for row in rows if row.sellable), Decimal(0))
    costs = (cost for row in rows for cost in (row.batch_cost_cents, row.cost_cents))
    return BatchStock(
        batch_id=lead.batch_id or "",
        location_id=lead.location_id,
        item_id=lead.item_id,
        quantity=max(total, Decimal(0)),
        cost_cents=next((cost for cost in costs if cost is not None and cost > 0), None),
        vendor=next((row.vendor for row in rows if row.vendor), None),
        expires_on=min((row.date_expire for row in rows if row.date_expire), default=None),
        received_on=min((row.date_received for row in rows if row.date_received), default=None),
        package_tag=next((row.package_tag for row in rows if row.package_tag), None),
    )


@dataclass(frozen=True, slots=True)
class ExpiringBatch:
    """Sellable stock of one batch."""

    item_id: str
    batch_id: str
    location_id: str
    name: str
    quantity: Decimal
    expires_on: date
    cost_cents: int | None
    price_cents: int | None


@dataclass(frozen=True, slots=True)
class ExpiryOutlook:
    """What is at risk. ``days_left`` is 0 on the last day and below 0 once it has expired.
    ``cost_at_risk_cents`` is what all of the stock cost, None where that is not known;
    ``clearance_price_cents`` is as of ``clearance_price``, None without a price."""

    batch: ExpiringBatch
    days_left: int
    cost_at_risk_cents: int | None
    clearance_price_cents: int | None


def without_expired(rows: Iterable[InventoryRow], today: date) -> tuple[InventoryRow, ...]:
    """The rows of one location, expired ones no longer sellable. ``today`` is its own date."""
    return tuple(
        replace(row, sellable=False)
        if row.date_expire and date.fromisoformat(row.date_expire) < today
        else row
        for row in rows
    )


def expiring(
    batches: Iterable[ExpiringBatch], *, today: date, within_days: int, min_quantity: Decimal
) -> tuple[ExpiryOutlook, ...]:
    """Batches of at least ``min_quantity`` with at most ``within_days`` left, expired ones too.

    The most urgent come first; on one day those with the most cost at risk.
    """
    found = [
        _outlook(batch, (batch.expires_on - today).days)
        for batch in batches
        if batch.quantity >= min_quantity and (batch.expires_on - today).days <= within_days
    ]
    return tuple(sorted(found, key=urgency_key))


def clearance_price(price_cents: int, cost_cents: int | None, days_left: int) -> int | None:
    """A price that may still sell it: MARKDOWNS off, half up to the cent, never below cost.

    None where the batch has expired, or where the cost leaves no room below the price: some
    states forbid sales below cost, so that step is left to a person.
    """
    if days_left < 0:
        return None
    percent = next((off for days, off in MARKDOWNS if days_left <= days), EARLY_MARKDOWN)
    lowered = max(round_half_up(Decimal(price_cents) * (100 - percent) / 100), cost_cents or 0)
    return lowered if lowered < price_cents else None


def _outlook(batch: ExpiringBatch, days_left: int) -> ExpiryOutlook:
    cost, price = batch.cost_cents, batch.price_cents
    return ExpiryOutlook(
        batch=batch,
        days_left=days_left,
        cost_at_risk_cents=None if cost is None else round_half_up(cost * batch.quantity),
        clearance_price_cents=None if price is None else clearance_price(price, cost, days_left),
    )


def urgency_key(found: ExpiryOutlook) -> tuple[object, ...]:
    """Sort key: the least time first, on one day the most cost at risk."""
    batch = found.batch
    ids = (natural_key(batch.item_id), natural_key(batch.batch_id), natural_key(batch.location_id))
    return (found.days_left, -(found.cost_at_risk_cents or 0), *ids)
