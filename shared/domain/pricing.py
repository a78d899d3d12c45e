"""What a product costs the customer: the POS's price, else a markup on its cost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.domain.money import round_half_up

CASCADE = (
    "price_otd_adult_use",
    "price_otd_medical_use",
    "price_otd",
    "price_retail_adult_use",
    "price_retail_medical_use",
    "price_retail",
)
"""The POS's price fields, best first. "otd" is out the door: tax included."""

MARKUPS: Mapping[str, Decimal] = {
    "flower": Decimal("2.2"),
    "vape": Decimal("2.0"),
    "concentrate": Decimal("2.0"),
    "edible": Decimal("2.3"),
    "preroll": Decimal("2.1"),
    "beverage": Decimal("2.4"),
    "tincture": Decimal("2.3"),
    "topical": Decimal("2.3"),
}
"""Factor on cost by a word in the category, tried in this order."""

DEFAULT_MARKUP = Decimal("2.2")
"""Factor where no word matches; an org overrides it under the key "default"."""

HIGHEST_PRICE_CENTS = 10_000_000
"""$100,000: what lies above is a slip of the keyboard, not the price of one unit."""


class PriceSource(StrEnum):
    """Where a price came from."""

    OTD = "otd"
    RETAIL = "retail"
    MARKUP = "markup"


@dataclass(frozen=True, slots=True)
class Price:
    """A believable price: above 0, at most HIGHEST_PRICE_CENTS."""

    cents: int
    source: PriceSource


def believable(cents: int | None) -> bool:
    """Whether an amount can be the price or the cost of one unit."""
    return cents is not None and 0 < cents <= HIGHEST_PRICE_CENTS


def listed_price(prices: Mapping[str, int | None]) -> Price | None:
    """The first believable price of the cascade; None where the POS gives none."""
    for field in CASCADE:
        cents = prices.get(field)
        if cents is not None and believable(cents):
            otd = field.startswith("price_otd")
            return Price(cents, PriceSource.OTD if otd else PriceSource.RETAIL)
    return None


def markup_for(
    category: str, subcategory: str | None = None, markups: Mapping[str, Decimal] | None = None
) -> Decimal:
    """The factor on cost of a category, or of the subcategory where no key matches the category.

    A key matches a text that contains it, whatever the case, blanks and hyphens ("Pre-Rolls"
    contains "preroll"). ``markups`` are the org's own: they replace or extend MARKUPS, and words
    that only the org has are tried first, the longest first.
    """
    own = {_letters(key): factor for key, factor in (markups or {}).items()}
    default = own.pop("default", DEFAULT_MARKUP)
    extra = sorted(own.keys() - MARKUPS.keys(), key=lambda word: (-len(word), word))
    table = {word: own[word] for word in extra} | {**MARKUPS, **own}
    for text in (_letters(category), _letters(subcategory or "")):
        for word, factor in table.items():
            if word and word in text:
                return factor
    return default


def markup_price(cost_cents: int | None, factor: Decimal) -> Price | None:
    """Cost times ``factor``, half up to the cent; None without a believable cost and result."""
    if cost_cents is None or not believable(cost_cents):
        return None
    cents = round_half_up(cost_cents * factor)
    return Price(cents, PriceSource.MARKUP) if believable(cents) else None


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text.casefold())
