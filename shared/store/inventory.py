"""The batches and the prices of an org's products, of each provider apart, and how each price has
changed.

Batches and price list are packed maps: a sync, a change of the discounts and the dashboard know of
every product without reading one. ``tenants/{orgId}/products/{id}/price_history/{entryId}`` has
each change of a price or cost.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from shared.domain.catalogue import PricedProduct
from shared.domain.inventory import BatchDetail, BatchStock
from shared.domain.money import dollars_or_none
from shared.domain.providers import PROVIDERS, scoped
from shared.store import packed_map, paths
from shared.store.database import Database, Document, Put
from shared.store.packed_map import Facts, PackedMap

BATCHES, PRICES = "batches", "prices"


class BatchStore(PackedMap[BatchStock]):
    """All batches of an org at one provider, by batch and location."""

    def all(self) -> list[BatchStock]:
        return [batch for _, batch in self.items()]

    def put(self, batches: Iterable[BatchStock]) -> None:
        for batch in batches:
            self.set_entry(_key(batch), batch)

    def keep_only(self, batches: Iterable[BatchStock]) -> None:
        """Remove all others."""
        self.keep_entries(set(map(_key, batches)))

    def pack(self, batch: BatchStock) -> Facts:
        # The order is that of what is stored, and of BatchStock.
        b, d, at = batch, batch.detail, batch.looked_up_at
        stock = [b.batch_id, b.location_id, b.item_id, format(b.quantity.normalize(), "f")]
        listed = [b.cost_cents, b.vendor, b.expires_on, b.received_on, b.package_tag]
        detail = [d.expires_on, d.package_tag, d.packaged_on, d.produced_on, d.harvested_on]
        return [*stock, *listed, detail, at.isoformat() if at else None]

    def unpack(self, record_id: str, packed: Facts) -> BatchStock:
        batch, location, item, quantity, cost, vendor, expires, received, tag, detail, at = packed
        listed = (cost, vendor, expires, received, tag)
        looked_up_at = datetime.fromisoformat(at) if at else None
        return BatchStock(
            batch, location, item, Decimal(quantity), *listed, BatchDetail(*detail), looked_up_at
        )


class PriceList(PackedMap[PricedProduct]):
    """All products of one provider that an org sells or sold, by id."""

    def menu(self) -> list[PricedProduct]:
        """The products on the menu."""
        return [product for _, product in self.items() if product.on_menu]

    def put(self, product: PricedProduct) -> None:
        self.set_entry(product.id, product)

    def pack(self, product: PricedProduct) -> Facts:
        # The order is that of what is stored, and of PricedProduct.
        p = product
        figures = [p.price_cents, p.cost_cents, p.since.isoformat(), p.sale, p.on_menu]
        return [p.category, p.subcategory, p.brand, *figures]

    def unpack(self, record_id: str, packed: Facts) -> PricedProduct:
        category, subcategory, brand, price, cost, since, sale, on_menu = packed
        figures = (price, cost, datetime.fromisoformat(since), sale, on_menu)
        return PricedProduct(record_id, category, subcategory, brand, *figures)


def load_batches(database: Database, org_id: str, provider: str) -> BatchStore:
    """The org's batches at a provider; none where they were never stored."""
    name = scoped(provider, BATCHES)
    return BatchStore(org_id, name, *packed_map.read(database, org_id, name))


def load_all_batches(database: Database, org_id: str) -> list[BatchStock]:
    """The org's batches at all providers. One read for each that there is, at the least."""
    names = [scoped(provider, BATCHES) for provider in PROVIDERS]
    found = packed_map.read_all(database, org_id, dict.fromkeys(names, 1))
    return [batch for name in names for batch in BatchStore(org_id, name, *found[name]).all()]


def load_prices(database: Database, org_id: str, provider: str) -> PriceList:
    """The org's price list at a provider; an empty one where none was ever kept."""
    name = scoped(provider, PRICES)
    return PriceList(org_id, name, *packed_map.read(database, org_id, name))


def put_price_change(
    org_id: str,
    before: PricedProduct,
    after: PricedProduct,
    *,
    source: str | None,
    run_id: str,
    now: datetime,
) -> Put:
    """The write that keeps a change. Its id is the moment since which the old price had held: a
    change that is written twice, because a run was taken up again, is one entry. ``source`` is
    the new price's."""
    entry_id = before.since.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    fields = {
        "productId": after.id,
        "price": dollars_or_none(after.price_cents),
        "previousPrice": dollars_or_none(before.price_cents),
        "priceSource": source,
        "cost": dollars_or_none(after.cost_cents),
        "previousCost": dollars_or_none(before.cost_cents),
        "previousSince": before.since,
        "changedAt": now,
        "syncRunId": run_id,
        "orgId": org_id,
    }
    return Put(f"{paths.price_history(org_id, after.id)}/{entry_id}", fields)


def latest_price_changes(
    database: Database, org_id: str, product_id: str, limit: int
) -> list[Document]:
    """The last changes, the newest first."""
    history = paths.price_history(org_id, product_id)
    return list(database.query(history, order_by=[("changedAt", "DESCENDING")], limit=limit))


def _key(batch: BatchStock) -> str:
    return f"{batch.batch_id}\t{batch.location_id}"
