"""The prices of an org's products: as they are now, and how each has changed.

The price list packs what discounts and price histories need of every product, so that no product
is read. ``tenants/{orgId}/products/{id}/price_history/{entryId}`` has each change of a price or
cost.
"""

from datetime import UTC, datetime
from typing import Any

from shared.domain.catalogue import PricedProduct
from shared.domain.money import dollars_or_none
from shared.store import packed_map, paths
from shared.store.database import Database, Document, Put
from shared.store.packed_map import Facts, PackedMap

NAME = "prices"


class PriceList:
    """All products that an org sells or sold. Not safe for threads."""

    def __init__(self, kept: PackedMap[Facts]) -> None:
        self._kept = kept

    def get(self, product_id: str) -> PricedProduct | None:
        facts = self._kept.get(product_id)
        return _product(product_id, facts) if facts else None

    def menu(self) -> list[PricedProduct]:
        """The products on the menu."""
        known = (_product(product_id, facts) for product_id, facts in self._kept.items())
        return [product for product in known if product.on_menu]

    def put(self, product: PricedProduct) -> None:
        # The order is that of what is stored, and of PricedProduct.
        p = product
        facts = [p.category, p.subcategory, p.brand, p.price_cents, p.cost_cents]
        self._kept.put(p.id, [*facts, p.since.isoformat(), p.sale, p.on_menu])

    def take_writes(self) -> list[Put]:
        """As PackedMap.take_writes."""
        return self._kept.take_writes()


def load_prices(database: Database, org_id: str) -> PriceList:
    """The org's price list; an empty one where none was ever kept."""
    return PriceList(packed_map.load(database, org_id, NAME))


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
    fields: dict[str, Any] = {
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
    return list(
        database.query(
            paths.price_history(org_id, product_id),
            order_by=[("changedAt", "DESCENDING")],
            limit=limit,
        )
    )


def _product(product_id: str, facts: Facts) -> PricedProduct:
    category, subcategory, brand, price, cost, since, sale, on_menu = facts
    at = datetime.fromisoformat(since)
    return PricedProduct(product_id, category, subcategory, brand, price, cost, at, sale, on_menu)
