"""Batches: what the stock rows and single look-ups say of each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from shared.domain.identity import natural
from shared.domain.inventory import InventoryRow

KEPT = timedelta(hours=24)
"""How long a look-up's answer, or its failure, holds."""

URGENT_DAYS = 30
"""A person will handle a batch with at most so many days left, and needs its package tag."""


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """What a single look-up tells of a batch. Dates are ISO dates."""

    expires_on: str | None = None
    package_tag: str | None = None
    packaged_on: str | None = None
    produced_on: str | None = None
    harvested_on: str | None = None


@dataclass(frozen=True, slots=True)
class BatchStock:
    """Stock of a batch at a location that may be sold but for its age. ``cost_cents`` is per unit,
    ``detail`` what was looked up, at ``looked_up_at`` (aware UTC)."""

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
        """The ISO date on which it expires: the stock list's word, else the look-up's."""
        return self.expires_on or self.detail.expires_on

    @property
    def tag(self) -> str | None:
        """The package tag: the stock list's, else the look-up's."""
        return self.package_tag or self.detail.package_tag


def batches_of(rows: Iterable[InventoryRow]) -> list[BatchStock]:
    """One entry per batch and location, in natural order; rows that name no batch are left out."""
    found: defaultdict[tuple[str, str], list[InventoryRow]] = defaultdict(list)
    for row in rows:
        if row.batch_id is not None:
            found[row.batch_id, row.location_id].append(row)
    ordered = sorted(found.items(), key=lambda item: tuple(map(natural, item[0])))
    return [_batch(sorted(rows, key=repr)) for _, rows in ordered]


def due(batches: Iterable[BatchStock], *, today: date, now: datetime, limit: int) -> list[str]:
    """Ids of the batches to look up, at most ``limit``: those for sale whose expiry the stock list
    does not tell, then the urgent ones without a package tag. An answer holds for KEPT."""
    soon = (today + timedelta(days=URGENT_DAYS)).isoformat()
    wanted: dict[str, tuple[object, ...]] = {}
    for batch in batches:
        fresh = batch.looked_up_at is not None and now - batch.looked_up_at < KEPT
        told = batch.expires_on
        doubtful = told is None or (told <= soon and batch.package_tag is None)
        if batch.quantity > 0 and doubtful and not fresh:
            wanted[batch.batch_id] = (told or "", natural(batch.batch_id))
    return sorted(wanted, key=lambda batch_id: wanted[batch_id])[:limit]


def items_missing_batches(before: Iterable[BatchStock], listed: Iterable[BatchStock]) -> set[str]:
    """Ids of the items that had stock in a batch that is not listed any more. In a list that is
    not believed to be whole, what is left of such an item is only a part of it."""
    still = {(batch.batch_id, batch.location_id) for batch in listed}
    return {
        batch.item_id
        for batch in before
        if batch.quantity > 0 and (batch.batch_id, batch.location_id) not in still
    }


def with_known_expiry(
    rows: Iterable[InventoryRow], last_days: Mapping[str, str]
) -> list[InventoryRow]:
    """The rows, those that tell no expiry with that of their batch (ISO dates by batch id)."""
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
