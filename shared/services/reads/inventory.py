"""What the dashboard reads of stock and prices: batches that expire, and how prices changed."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shared.clock import Clock
from shared.domain.inventory import BatchStock, ExpiringBatch, ExpiryOutlook, expiring, urgency_key
from shared.domain.money import to_cents
from shared.pos.config import DEFAULT_TIMEZONE
from shared.store import inventory, locations, products
from shared.store.database import Database

PRODUCT_FIELDS = ("name", "price", "cost", "stock")


@dataclass(frozen=True, slots=True)
class ExpiringStockBatch:
    """A batch as stored, and its outlook."""

    stock: BatchStock
    outlook: ExpiryOutlook


@dataclass(frozen=True, slots=True)
class ExpiringStock:
    """Lists batches that are about to expire, or have: their worth and possible proceeds."""

    database: Database
    clock: Clock

    def __call__(
        self,
        org_id: str,
        *,
        within_days: int,
        min_quantity: Decimal,
        product_id: str | None = None,
    ) -> list[ExpiringStockBatch]:
        """Batches of at least ``min_quantity`` with at most so many days left by the calendar of
        their location, expired ones too; the most urgent first, then the most at risk. Of one
        product, or of all."""
        zones = locations.zones(self.database, org_id)
        near: defaultdict[date, list[BatchStock]] = defaultdict(list)
        for stock in inventory.load_all_batches(self.database, org_id):
            if product_id not in (None, stock.item_id):
                continue
            today = self._today(stock, zones)
            if stock.quantity >= min_quantity and _days_left(stock, today) <= within_days:
                near[today].append(stock)
        by_key = {_key(stock): stock for group in near.values() for stock in group}
        known = self._products(org_id, {stock.item_id for stock in by_key.values()})
        outlooks = [
            outlook
            for today, group in near.items()
            for outlook in expiring(
                (_batch(stock, known.get(stock.item_id, {})) for stock in group),
                today=today,
                within_days=within_days,
                min_quantity=min_quantity,
            )
        ]
        return [
            ExpiringStockBatch(by_key[_key(outlook.batch)], outlook)
            for outlook in sorted(outlooks, key=urgency_key)
        ]

    def _today(self, stock: BatchStock, zones: Mapping[str, ZoneInfo]) -> date:
        zone = zones.get(stock.location_id) or ZoneInfo(DEFAULT_TIMEZONE)
        return self.clock().astimezone(zone).date()

    def _products(self, org_id: str, ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
        found = products.read(self.database, org_id, sorted(ids), PRODUCT_FIELDS)
        return {document.id: document.fields for document in found}


def _days_left(stock: BatchStock, today: date) -> float:
    if stock.last_day is None:
        return float("inf")
    return (date.fromisoformat(stock.last_day) - today).days


def _batch(stock: BatchStock, product: Mapping[str, Any]) -> ExpiringBatch:
    here = (product.get("stock") or {}).get(stock.location_id) or {}
    return ExpiringBatch(
        item_id=stock.item_id,
        batch_id=stock.batch_id,
        location_id=stock.location_id,
        name=str(product.get("name") or ""),
        quantity=stock.quantity,
        expires_on=date.fromisoformat(str(stock.last_day)),
        cost_cents=_cents(product.get("cost")) if stock.cost_cents is None else stock.cost_cents,
        price_cents=_cents(here.get("price") or product.get("price")),
    )


def _cents(dollars: float | None) -> int | None:
    """A product without a price is stored with 0."""
    return to_cents(dollars) if dollars else None


def _key(batch: BatchStock | ExpiringBatch) -> tuple[str, str]:
    return batch.batch_id, batch.location_id


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Reads price histories, as the syncs wrote them."""

    database: Database

    def __call__(
        self, org_id: str, product_id: str, *, limit: int
    ) -> list[Mapping[str, Any]] | None:
        """The last changes as stored, the newest first; None where the org never had such a
        product."""
        found = inventory.latest_price_changes(self.database, org_id, product_id, limit)
        if not found and not products.read(self.database, org_id, [product_id], ["id"]):
            return None
        return [document.fields for document in found]
