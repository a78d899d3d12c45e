"""The products an invented dispensary sells."""

from dataclasses import dataclass
from random import Random

FIRST_ITEM_ID = 2001

BRANDS = ("Sable & Fern", "North Quarry", "Tidewater", "Lantern", "Old Orchard", "Paper Moon")
VENDORS = ("Harbor Wholesale", "Upland Supply", "Three Rivers Distribution")

_FIRST = ("Amber", "Blue", "Cedar", "Copper", "Dawn", "Golden", "Granite", "Ivory", "Lunar")
_SECOND = ("Breeze", "Canyon", "Drift", "Ember", "Harvest", "Meadow", "Mist", "Ridge", "Spark")


@dataclass(frozen=True, slots=True)
class _Kind:
    category: str
    form: str
    route: str
    low_cents: int
    high_cents: int
    grams: float | None


_KINDS = (
    _Kind("Category > Flower", "3.5g", "Bulk Flower", 2500, 5500, 3.5),
    _Kind("Category > Vapes", "Vape 1g", "Extract", 2500, 6000, 1),
    _Kind("Category > Pre Rolls", "Pre Roll", "Bulk Flower", 800, 2000, 1),
    _Kind("Category > Edibles", "Gummies", "Edible", 1200, 3000, None),
    _Kind("Category > Concentrates", "Rosin 1g", "Extract", 4000, 8000, 1),
    _Kind("Category > Beverages", "Seltzer", "Edible", 600, 1200, None),
    _Kind("Category > Tinctures", "Tincture", "Extract", 3000, 6000, None),
    _Kind("Category > Topicals", "Balm", "Extract", 2000, 4500, None),
    _Kind("Uncategorized", "Tray", "Edible", 500, 1500, None),
)


@dataclass(frozen=True, slots=True)
class Product:
    """One item. ``price_cents`` is before tax; ``priced`` is False where the POS holds only the
    cost, ``out_the_door`` where it also holds the price with tax."""

    id: int
    name: str
    category: str
    brand: str | None
    vendor: str
    strain: str | None
    delivery_route: str
    grams: float | None
    price_cents: int
    cost_cents: int | None
    priced: bool
    out_the_door: bool
    medical: bool
    thc: float | None
    thc_as_number: bool


def generate_products(count: int, rng: Random) -> list[Product]:
    """``count`` products, the oddities among them in about the shares once recorded."""
    return [_product(index, rng) for index in range(count)]


def _product(index: int, rng: Random) -> Product:
    kind = _KINDS[index % len(_KINDS)]
    price = rng.randrange(kind.low_cents, kind.high_cents + 1, 50)
    cost_only = index % 37 == 5
    smokable = kind.grams is not None
    return Product(
        id=FIRST_ITEM_ID + index,
        name=f"{rng.choice(_FIRST)} {rng.choice(_SECOND)} {kind.form}",
        category=kind.category,
        brand=None if index % 6 == 4 else rng.choice(BRANDS),
        vendor=rng.choice(VENDORS),
        strain=rng.choice(("Sativa", "Indica", "Hybrid", None)) if smokable else None,
        delivery_route=kind.route,
        grams=kind.grams,
        price_cents=price,
        cost_cents=price * 2 // 5 if cost_only or index % 9 < 4 else None,
        priced=not cost_only,
        out_the_door=index % 8 != 7,
        medical=index % 25 == 11,
        thc=round(rng.uniform(12, 88), 2) if smokable else None,
        thc_as_number=index % 18 == 0,
    )
