"""Products from stock rows: one per item, whatever the order in which the rows arrive.

Rows that may be sold from come first, then the location (in the org's order), then the batch id.
Each fact comes from the first row that has it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from shared.domain import pricing
from shared.domain.ids import natural_key
from shared.domain.inventory import InventoryRow
from shared.domain.pricing import Price, PriceSource

UNCATEGORIZED = "Uncategorized"
_RANGE = f"$0 to ${pricing.HIGHEST_PRICE_CENTS // 100:,}"

T = TypeVar("T")


class StrainType(StrEnum):
    """The kinds a menu filters by."""

    INDICA = "Indica"
    SATIVA = "Sativa"
    HYBRID = "Hybrid"
    CBD = "CBD"


_GENETICS = (StrainType.INDICA, StrainType.SATIVA, StrainType.HYBRID)
_ABBREVIATED = {
    short: strain for strain in _GENETICS for short in (strain[0].lower(), strain[:3].lower())
}


@dataclass(frozen=True, slots=True)
class Strain:
    """A strain type; ``inferred`` where only the name or the category says it."""

    type: StrainType | None
    inferred: bool


@dataclass(frozen=True, slots=True)
class LocationStock:
    """What one location has of a product. ``quantity`` is sellable stock, never below 0."""

    location_id: str
    available: bool
    quantity: Decimal
    price_cents: int | None


@dataclass(frozen=True, slots=True)
class Product:
    """The POS-owned fields of a product.

    ``quantity`` is sellable stock over all locations, ``on_hand`` all stock, sellable or not.
    ``price_cents`` is None, and the product not available, where there is neither price nor cost.
    ``stock`` has the locations that may sell it first, in the org's order. ``image_url`` is the
    POS's own picture.
    """

    id: str
    name: str
    brand: str | None
    category: str
    subcategory: str | None
    price_cents: int | None
    price_source: PriceSource | None
    cost_cents: int | None
    batch_cost_cents: int | None
    thc_percent: Decimal | None
    cbd_percent: Decimal | None
    strain_type: StrainType | None
    strain_inferred: bool
    available: bool
    quantity: Decimal
    on_hand: Decimal
    stock: tuple[LocationStock, ...]
    image_url: str | None = None


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


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a product that a person should put right at the POS.

    Codes: ``no_name`` (not on the menu), ``no_price`` (no believable price and no cost: kept, not
    available),
    ``implausible_price`` and ``implausible_cost`` (below 0 or above HIGHEST_PRICE_CENTS: ignored).
    """

    product_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CatalogueResult:
    """Products and their problems, both in the natural order of the products' ids."""

    products: tuple[Product, ...]
    problems: tuple[Problem, ...]


def products_from_rows(
    rows: Iterable[InventoryRow],
    *,
    location_ids_in_order: Sequence[str],
    markups: Mapping[str, Decimal] | None = None,
) -> CatalogueResult:
    """One product per ``item_id``, at the price of the first location that may sell it and has one.

    ``location_ids_in_order`` are the org's locations by the POS's ids; others follow in natural
    order. ``markups`` are the org's own factors (see ``pricing.markup_for``).
    """
    rank = {location_id: place for place, location_id in enumerate(location_ids_in_order)}

    def leading_first(row: InventoryRow) -> tuple[object, ...]:
        place = rank.get(row.location_id, len(rank))
        batch = (row.batch_id is None, natural_key(row.batch_id or ""))
        # The last term makes the order total.
        return (not row.sellable, place, natural_key(row.location_id), batch, repr(row))

    items: defaultdict[str, list[InventoryRow]] = defaultdict(list)
    for row in rows:
        items[row.item_id].append(row)
    products: list[Product] = []
    problems: list[Problem] = []
    for item_id in sorted(items, key=natural_key):
        item_rows = sorted(items[item_id], key=leading_first)
        product = _product(item_rows, markups)
        products.append(product)
        problems.extend(_problems(product, item_rows))
    return CatalogueResult(tuple(products), tuple(problems))


def legible(text: str) -> bool:
    """Whether there is anything to see in the text."""
    return any(each.isprintable() and not each.isspace() for each in text)


def clean_category(path: str) -> tuple[str, str | None]:
    """Category and subcategory of a POS path.

    ``Category > Vapes`` is Vapes, ``Flower > Eighths`` is Flower with subcategory Eighths (deeper
    levels stay in it), nothing at all is ``Uncategorized``.
    """
    parts = [part.strip() for part in path.split(">") if part.strip()]
    if parts and parts[0].casefold() == "category":
        parts = parts[1:]
    if not parts:
        return UNCATEGORIZED, None
    return parts[0], " > ".join(parts[1:]) or None


def strain_of(strain: str | None, name: str, category_path: str) -> Strain:
    """The strain type of a product: as the POS says, else as its name or category says.

    The POS's strain field holds a type ("Sativa", "I", "Indica dominant hybrid", "High CBD") or a
    cultivar's name, which says nothing: no cultivar is looked up. A text that names both indica and
    sativa means a hybrid; one that names CBD means it where it names no other type, nor THC.
    """
    stated = (strain or "").strip().casefold()
    found = _ABBREVIATED.get(stated) or _strain_in(stated)
    if found:
        return Strain(found, inferred=False)
    found = _strain_in(name) or _strain_in(category_path)
    return Strain(found, inferred=found is not None)


def _strain_in(text: str) -> StrainType | None:
    words = set(re.findall(r"[a-z]+", text.casefold()))
    named = [strain for strain in _GENETICS if strain.casefold() in words]
    if len(named) > 1:
        return StrainType.HYBRID
    if not named and "cbd" in words and "thc" not in words:
        return StrainType.CBD
    return named[0] if named else None


def _product(rows: list[InventoryRow], markups: Mapping[str, Decimal] | None) -> Product:
    path = _first_text(row.category_path for row in rows) or ""
    category, subcategory = clean_category(path)
    factor = pricing.markup_for(category, subcategory, markups)
    by_location: defaultdict[str, list[InventoryRow]] = defaultdict(list)
    for row in rows:
        by_location[row.location_id].append(row)
    priced = [(here, _price(here, factor)) for here in by_location.values()]
    price = _first(price for _, price in priced)
    stock = tuple(_stock(here, price) for here, price in priced)
    name = _first_text(row.name for row in rows if legible(row.name)) or ""
    strain = strain_of(_first_text(row.strain for row in rows), name, path)
    return Product(
        id=rows[0].item_id,
        name=name,
        brand=_first_text(row.brand for row in rows),
        category=category,
        subcategory=subcategory,
        price_cents=price.cents if price else None,
        price_source=price.source if price else None,
        cost_cents=_first(_cost(row.cost_cents) for row in rows),
        batch_cost_cents=_first(_cost(row.batch_cost_cents) for row in rows),
        thc_percent=_first(row.thc_percent for row in rows),
        cbd_percent=_first(row.cbd_percent for row in rows),
        strain_type=strain.type,
        strain_inferred=strain.inferred,
        available=any(location.available for location in stock),
        quantity=sum((location.quantity for location in stock), Decimal(0)),
        on_hand=sum((row.on_hand for row in rows), Decimal(0)),
        stock=stock,
        image_url=_first(row.image_url for row in rows),
    )


def _price(rows: list[InventoryRow], factor: Decimal) -> Price | None:
    """The price at one location; a row that may be sold from outranks one that may not."""
    for sellable in (True, False):
        deciding = [row for row in rows if row.sellable is sellable]
        costs = (cost for row in deciding for cost in (row.cost_cents, row.batch_cost_cents))
        price = _first(pricing.listed_price(dict(row.prices)) for row in deciding) or _first(
            pricing.markup_price(cost, factor) for cost in costs
        )
        if price:
            return price
    return None


def _stock(rows: list[InventoryRow], price: Price | None) -> LocationStock:
    # A row sold below zero offsets another of the same location, but never one elsewhere.
    total = sum((row.available for row in rows if row.sellable), Decimal(0))
    quantity = max(total, Decimal(0))
    return LocationStock(
        location_id=rows[0].location_id,
        available=quantity > 0 and price is not None,
        quantity=quantity,
        price_cents=price.cents if price else None,
    )


def _problems(product: Product, rows: list[InventoryRow]) -> Iterable[Problem]:
    if not product.name:
        yield Problem(product.id, "no_name", "The POS gives the product no name.")
    if product.price_cents is None:
        yield Problem(product.id, "no_price", "The POS gives neither a price nor a cost.")
    if any(_implausible(cents) for row in rows for _, cents in row.prices):
        yield Problem(product.id, "implausible_price", f"A price is not within {_RANGE}.")
    if any(_implausible(cents) for row in rows for cents in (row.cost_cents, row.batch_cost_cents)):
        yield Problem(product.id, "implausible_cost", f"A cost is not within {_RANGE}.")


def _implausible(cents: int | None) -> bool:
    return bool(cents) and not pricing.believable(cents)


def _cost(cents: int | None) -> int | None:
    return None if _implausible(cents) else cents


def _first(facts: Iterable[T | None]) -> T | None:
    return next((fact for fact in facts if fact is not None), None)


def _first_text(texts: Iterable[str | None]) -> str | None:
    return _first((text or "").strip() or None for text in texts)
