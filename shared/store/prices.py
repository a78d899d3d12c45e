"""What discounts and price histories must know of each stored product, without reading it.

``tenants/{orgId}/products/{id}/price_history/{entryId}``: each change of a price or cost.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.domain.money import to_dollars
from shared.store import packed_map, paths
from shared.store.database import Database, Document, Put
from shared.store.packed_map import Facts, PackedMap

NAME = "prices"


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A product as it stands in Firestore. It has had this price and cost (in cents) since
    ``since``; ``sale`` is the fingerprint of its sale fields, None where that is not known.
    One that is off the menu is remembered: it may come back at another price."""

    id: str
    category: str
    subcategory: str | None
    brand: str | None
    price_cents: int | None
    cost_cents: int | None
    since: datetime
    sale: bytes | None
    on_menu: bool = True


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
        self._kept.put(
            product.id,
            [
                product.category,
                product.subcategory,
                product.brand,
                product.price_cents,
                product.cost_cents,
                product.since.isoformat(),
                product.sale,
                product.on_menu,
            ],
        )

    def take_writes(self) -> list[Put]:
        """See PackedMap."""
        return self._kept.take_writes()


def load_prices(database: Database, org_id: str) -> PriceList:
    """The org's price list; an empty one where none was ever kept."""
    return PriceList(packed_map.load(database, org_id, NAME))


def _product(product_id: str, facts: Facts) -> PricedProduct:
    category, subcategory, brand, price, cost, since, sale, on_menu = facts
    return PricedProduct(
        id=product_id,
        category=category,
        subcategory=subcategory,
        brand=brand,
        price_cents=price,
        cost_cents=cost,
        since=datetime.fromisoformat(since),
        sale=sale,
        on_menu=on_menu,
    )


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
        "price": _dollars(after.price_cents),
        "previousPrice": _dollars(before.price_cents),
        "priceSource": source,
        "cost": _dollars(after.cost_cents),
        "previousCost": _dollars(before.cost_cents),
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


def _dollars(cents: int | None) -> float | None:
    return None if cents is None else to_dollars(cents)
