"""What discounts and price histories must know of each stored product, without reading it."""

from dataclasses import dataclass
from datetime import datetime

from shared.store import packed
from shared.store.database import Database, Put
from shared.store.packed import Facts, PackedMap

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

    def __init__(self, kept: PackedMap) -> None:
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


def load(database: Database, org_id: str) -> PriceList:
    """The org's price list; an empty one where none was ever kept."""
    return PriceList(packed.load(database, org_id, NAME))


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
