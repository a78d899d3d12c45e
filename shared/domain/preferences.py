"""What a customer likes to buy, from the items of the orders that count."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.domain.catalogue import UNCATEGORIZED, clean_category
from shared.domain.orders import OrderItem

TOP_CATEGORIES = 3
TOP_PRODUCTS = 5
BUDGET_BELOW_CENTS = 30_00
PREMIUM_ABOVE_CENTS = 100_00


class PriceBand(StrEnum):
    """How much is spent at a time."""

    BUDGET = "budget"
    MID = "mid"
    PREMIUM = "premium"


@dataclass(frozen=True, slots=True)
class LikedProduct:
    """A product by its POS id, where the order names one, and its name."""

    product_id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """Most bought first; equal quantities in the order of their names."""

    favorite_category: str | None
    categories: tuple[str, ...]
    products: tuple[LikedProduct, ...]
    price_band: PriceBand


def price_band(cents: int) -> PriceBand:
    """Budget under $30, premium over $100, else mid."""
    if cents < BUDGET_BELOW_CENTS:
        return PriceBand.BUDGET
    return PriceBand.PREMIUM if cents > PREMIUM_ABOVE_CENTS else PriceBand.MID


class ItemCounts:
    """What one customer has bought, counted order by order; their order does not matter.

    Quantities are net: what was given back was not liked. Categories are grouped by their top
    level, ignoring case; items without a category count for none.
    """

    __slots__ = ("_by_category", "_by_product", "_product_ids")

    def __init__(self) -> None:
        self._by_category: defaultdict[str, _NetQuantity] = defaultdict(_NetQuantity)
        self._by_product: defaultdict[Hashable, _NetQuantity] = defaultdict(_NetQuantity)
        self._product_ids: dict[Hashable, str | None] = {}

    def add(self, items: Iterable[OrderItem], *, refund: bool) -> None:
        """Count the items of one more order; those of a refund were given back."""
        for item in items:
            quantity = -abs(item.quantity) if refund else item.quantity
            category, _ = clean_category(item.category or "")
            if category != UNCATEGORIZED:
                self._by_category[category.casefold()].add(quantity, category)
            key = (item.product_id, "" if item.product_id else item.name.casefold())
            self._product_ids[key] = item.product_id
            self._by_product[key].add(quantity, item.name)

    def preferences(self, *, average_order_cents: int | None) -> Preferences:
        """``average_order_cents`` is None for a customer without orders, whose band is mid."""
        top = _most_bought(self._by_category.items(), TOP_CATEGORIES)
        categories = tuple(tally.name for _, tally in top)
        return Preferences(
            favorite_category=categories[0] if categories else None,
            categories=categories,
            products=tuple(
                LikedProduct(self._product_ids[key], tally.name)
                for key, tally in _most_bought(self._by_product.items(), TOP_PRODUCTS)
            ),
            price_band=(
                PriceBand.MID if average_order_cents is None else price_band(average_order_cents)
            ),
        )

    @property
    def bought_product_ids(self) -> frozenset[str]:
        """The products bought and not given back, as far as their orders name ids."""
        return frozenset(
            product_id
            for key, tally in self._by_product.items()
            if tally.quantity > 0 and (product_id := self._product_ids[key])
        )


class _NetQuantity:
    """Net quantity under the alphabetically first of the spellings met."""

    __slots__ = ("name", "quantity")

    def __init__(self) -> None:
        self.quantity = Decimal(0)
        self.name = ""

    def add(self, quantity: Decimal, name: str) -> None:
        self.quantity += quantity
        self.name = min(self.name, name) if self.name else name


def _most_bought(
    tallies: Iterable[tuple[Hashable, _NetQuantity]], limit: int
) -> list[tuple[Hashable, _NetQuantity]]:
    bought = [(key, tally) for key, tally in tallies if tally.quantity > 0]
    # Two products may share a name: their ids then keep the order the same.
    bought.sort(key=lambda entry: (-entry[1].quantity, entry[1].name, str(entry[0])))
    return bought[:limit]
