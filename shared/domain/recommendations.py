"""What to offer a customer: available products, scored by what they like."""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from shared.domain.ids import natural_key
from shared.domain.preferences import Preferences, PriceBand, price_band

CATEGORY_SCORE = 10
PRICE_BAND_SCORE = 5
BOUGHT_BEFORE_SCORE = 15


@dataclass(frozen=True, slots=True)
class RecommendableProduct:
    """What of a product decides whether it is recommended; the price is that of one unit."""

    id: str
    category: str
    price_cents: int | None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A product and its score, 5 to 30."""

    product_id: str
    score: int


_Place = tuple[str, PriceBand | None]
"""Category and price band: what all products of one place have in common."""


class RecommendationIndex:
    """The products that can be bought now, laid out so that the best for a customer are found
    without looking at all of them. Frozen once made: many customers share one."""

    __slots__ = ("_products", "_shelves")

    def __init__(self, products: Iterable[RecommendableProduct]) -> None:
        available = [product for product in products if product.available]
        available.sort(key=lambda product: (natural_key(product.id), product.id))
        self._products = {p.id: (rank, _place(p)) for rank, p in enumerate(available)}
        self._shelves: defaultdict[_Place, list[tuple[int, str]]] = defaultdict(list)
        for product_id, (rank, place) in self._products.items():
            self._shelves[place].append((rank, product_id))

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

        def score(place: _Place) -> int:
            category, band = place
            in_category = CATEGORY_SCORE if category in liked else 0
            return in_category + (PRICE_BAND_SCORE if band is preferences.price_band else 0)

        found: list[tuple[int, int, str]] = []
        for product_id in bought_product_ids:
            if product_id in self._products:
                rank, place = self._products[product_id]
                found.append((-BOUGHT_BEFORE_SCORE - score(place), rank, product_id))
        for place, shelf in self._shelves.items():
            if base := score(place):
                others = (entry for entry in shelf if entry[1] not in bought_product_ids)
                found += [(-base, rank, product_id) for rank, product_id in islice(others, limit)]
        return tuple(
            Recommendation(product_id, -minus) for minus, _, product_id in sorted(found)[:limit]
        )


def _place(product: RecommendableProduct) -> _Place:
    price = product.price_cents
    return product.category.casefold(), None if price is None else price_band(price)
