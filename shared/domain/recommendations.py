"""What to offer a customer: available products, scored by what they like (issue 4, item 4)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from shared.domain.identity import natural
from shared.domain.preferences import Preferences, price_band

CATEGORY_SCORE = 10
PRICE_BAND_SCORE = 5
BOUGHT_BEFORE_SCORE = 15


class Recommendable(Protocol):
    """What a recommendation asks of a product."""

    @property
    def id(self) -> str:
        """The POS's product id."""
        ...

    @property
    def category(self) -> str:
        """Clean category."""
        ...

    @property
    def price_cents(self) -> int | None:
        """Price of one unit."""
        ...

    @property
    def available(self) -> bool:
        """Whether it can be bought now."""
        ...


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A product and its score, 5 to 30."""

    product_id: str
    score: int


def recommend(
    products: Iterable[Recommendable],
    preferences: Preferences,
    *,
    bought_product_ids: Collection[str],
    limit: int,
) -> tuple[Recommendation, ...]:
    """The ``limit`` best products, best first, equal scores in the order of their ids.

    A product scores 10 where its category is among the customer's top ones, 5 where its price
    lies in their price band, 15 where they bought it before. One that scores nothing is not
    recommended.
    """
    liked = {category.casefold() for category in preferences.categories}
    scored = [
        Recommendation(product.id, score)
        for product in products
        if product.available
        and (score := _score(product, preferences, liked, bought_product_ids)) > 0
    ]
    scored.sort(key=lambda found: (-found.score, natural(found.product_id), found.product_id))
    return tuple(scored[:limit])


def _score(
    product: Recommendable,
    preferences: Preferences,
    liked: set[str],
    bought_product_ids: Collection[str],
) -> int:
    score = 0
    if product.category.casefold() in liked:
        score += CATEGORY_SCORE
    if (
        product.price_cents is not None
        and price_band(product.price_cents) is preferences.price_band
    ):
        score += PRICE_BAND_SCORE
    if product.id in bought_product_ids:
        score += BOUGHT_BEFORE_SCORE
    return score
