"""What a customer likes to buy, from the items of the orders that count, and what to offer them.

Of a customer without such an order the POS's own summary may say something.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from shared.domain.catalogue import UNCATEGORIZED, clean_category
from shared.domain.ids import natural_key
from shared.domain.money import average_cents
from shared.domain.spending import OrderFact, Spending, counts, spent_in

TOP_CATEGORIES = 3
TOP_PRODUCTS = 5
BUDGET_BELOW_CENTS = 30_00
PREMIUM_ABOVE_CENTS = 100_00
CATEGORY_SCORE = 10
PRICE_BAND_SCORE = 5
BOUGHT_BEFORE_SCORE = 15

K = TypeVar("K", bound=Hashable)


class PriceBand(StrEnum):
    """How much is spent at a time."""

    BUDGET = "budget"
    MID = "mid"
    PREMIUM = "premium"


class PreferenceSource(StrEnum):
    """What preferences follow from: the stored orders, or the POS's own summary."""

    ORDERS = "orders"
    POS = "pos"


@dataclass(frozen=True, slots=True)
class LikedProduct:
    """A product by its POS id, where the order names one, and its name."""

    product_id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """Most bought first; equal quantities in the order of their names."""

    categories: tuple[str, ...]
    products: tuple[LikedProduct, ...]
    price_band: PriceBand
    source: PreferenceSource = PreferenceSource.ORDERS


def price_band(cents: int) -> PriceBand:
    """Budget under $30, premium over $100, else mid."""
    if cents < BUDGET_BELOW_CENTS:
        return PriceBand.BUDGET
    return PriceBand.PREMIUM if cents > PREMIUM_ABOVE_CENTS else PriceBand.MID


def summarised_preferences(
    favorite_category: str | None, *, spent_cents: int | None, order_count: int
) -> Preferences | None:
    """The preferences in a POS's own summary of a customer; None where it says nothing of them.
    Without a number of orders, or what they came to, the price band is mid."""
    category, _ = clean_category(favorite_category or "")
    band = None
    if order_count > 0 and spent_cents is not None and spent_cents >= 0:
        band = price_band(average_cents(spent_cents, order_count))
    if category == UNCATEGORIZED and band is None:
        return None
    return Preferences(
        categories=() if category == UNCATEGORIZED else (category,),
        products=(),
        price_band=band or PriceBand.MID,
        source=PreferenceSource.POS,
    )


@dataclass(slots=True)
class _NetQuantity:
    """Net quantity under the alphabetically first of the spellings met."""

    name: str = ""
    quantity: Decimal = Decimal(0)

    def add(self, quantity: Decimal, name: str) -> None:
        self.quantity += quantity
        self.name = min(self.name, name) if self.name else name


class Purchases:
    """What a customer has spent and bought, order by order; their order does not matter.

    Quantities are net: what was given back was not liked. Categories are grouped by their top
    level, ignoring case; items without a category count for none.
    """

    __slots__ = ("_by_category", "_by_product", "spending")

    def __init__(self) -> None:
        self.spending = Spending()
        self._by_category: defaultdict[str, _NetQuantity] = defaultdict(_NetQuantity)
        # By product id, and by name where there is no id.
        self._by_product: defaultdict[tuple[str | None, str], _NetQuantity] = defaultdict(
            _NetQuantity
        )

    def add(self, order: OrderFact) -> None:
        """Take in one stored order; each is given once. One that does not count changes nothing."""
        if not counts(order.status, order.type):
            return
        self.spending += spent_in(order)
        for item in order.items:
            quantity = -abs(item.quantity) if order.total_cents < 0 else item.quantity
            category, _ = clean_category(item.category or "")
            if category != UNCATEGORIZED:
                self._by_category[category.casefold()].add(quantity, category)
            key = (item.product_id, "" if item.product_id else item.name.casefold())
            self._by_product[key].add(quantity, item.name)

    @property
    def preferences(self) -> Preferences | None:
        """What they like; None for a customer without a counted order."""
        if not self.spending.order_count:
            return None
        categories = _most_bought(self._by_category, TOP_CATEGORIES)
        products = _most_bought(self._by_product, TOP_PRODUCTS)
        return Preferences(
            categories=tuple(net.name for _, net in categories),
            products=tuple(LikedProduct(product_id, net.name) for (product_id, _), net in products),
            price_band=price_band(self.spending.average_cents),
        )

    @property
    def bought_product_ids(self) -> frozenset[str]:
        """The products bought and not given back, as far as their orders name ids."""
        bought = (key[0] for key, net in self._by_product.items() if net.quantity > 0)
        return frozenset(product_id for product_id in bought if product_id)


def _most_bought(net: Mapping[K, _NetQuantity], limit: int) -> list[tuple[K, _NetQuantity]]:
    bought = [(key, found) for key, found in net.items() if found.quantity > 0]
    # Two products may share a name: their ids then keep the order the same.
    bought.sort(key=lambda entry: (-entry[1].quantity, entry[1].name, str(entry[0])))
    return bought[:limit]


@dataclass(frozen=True, slots=True)
class RecommendableProduct:
    """What of a product decides whether it is recommended; the price is that of one unit."""

    id: str
    category: str
    price_cents: int | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A product and its score, 5 to 30."""

    product_id: str
    score: int


_Group = tuple[str, PriceBand | None]
"""Category and price band: what all products of one group have in common."""


class RecommendationIndex:
    """The products that can be bought now, laid out so that the best for a customer are found
    without looking at all of them. Frozen once made: many customers share one."""

    __slots__ = ("_groups", "_products")

    def __init__(self, available: Iterable[RecommendableProduct]) -> None:
        in_order = sorted(available, key=lambda product: natural_key(product.id))
        self._products = {p.id: (rank, _group_of(p)) for rank, p in enumerate(in_order)}
        self._groups: defaultdict[_Group, list[tuple[int, str]]] = defaultdict(list)
        for product_id, (rank, group) in self._products.items():
            self._groups[group].append((rank, product_id))

    def __len__(self) -> int:
        return len(self._products)

    def recommend(
        self, preferences: Preferences, *, bought_product_ids: AbstractSet[str], limit: int
    ) -> tuple[Recommendation, ...]:
        """The ``limit`` best products, best first, equal scores in the order of their ids.

        A product scores 10 where its category is among the customer's top ones, 5 where its price
        lies in their price band, 15 where they bought it before. One that scores nothing is not
        recommended.
        """
        liked = {category.casefold() for category in preferences.categories}

        def score(group: _Group) -> int:
            category, band = group
            in_category = CATEGORY_SCORE if category in liked else 0
            return in_category + (PRICE_BAND_SCORE if band is preferences.price_band else 0)

        found: list[tuple[int, int, str]] = []
        for product_id in bought_product_ids:
            if product_id in self._products:
                rank, group = self._products[product_id]
                found.append((-BOUGHT_BEFORE_SCORE - score(group), rank, product_id))
        for group, products in self._groups.items():
            if base := score(group):
                others = (entry for entry in products if entry[1] not in bought_product_ids)
                found += [(-base, rank, product_id) for rank, product_id in islice(others, limit)]
        return tuple(
            Recommendation(product_id, -minus) for minus, _, product_id in sorted(found)[:limit]
        )


def _group_of(product: RecommendableProduct) -> _Group:
    price = product.price_cents
    return product.category.casefold(), None if price is None else price_band(price)
