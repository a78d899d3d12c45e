"""Products from stock rows: one per item, whatever the order in which the rows arrive.

Rows that may be sold from decide a product's facts; where an item has none, its other rows do.
Among them the first location (in the org's order), then the lowest batch id leads, numbers read as
numbers. Each fact comes from the first row that has it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from shared.domain.ids import natural_key
from shared.domain.inventory import InventoryRow
from shared.domain.pricing import (
    HIGHEST_PRICE_CENTS,
    Price,
    PriceSource,
    believable,
    listed_price,
    markup_for,
    markup_price,
)
from shared.domain.strain import StrainType, strain_of

UNCATEGORIZED = "Uncategorized"

T = TypeVar("T")


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

    ``quantity`` is sellable stock over all locations and ``on_hand`` what lies on the shelves,
    sellable or not; both are exact Decimals, which the store writes as integers where whole.
    ``price_cents`` is None, and the product not available, where there is neither price nor cost.
    ``stock`` has the locations that may sell it first, in the org's order.
    """

    id: str
    external_id: str
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


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a product that a person should put right at the POS.

    Codes: ``no_price`` (no believable price and no cost: kept, not available),
    ``implausible_price`` and ``implausible_cost`` (below 0 or above HIGHEST_PRICE_CENTS: passed
    over).
    """

    product_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CatalogueResult:
    """Products in the natural order of their ids, and what was odd about them, likewise."""

    products: tuple[Product, ...]
    problems: tuple[Problem, ...]


def products_from_rows(
    rows: Iterable[InventoryRow],
    *,
    location_ids_in_order: Sequence[str],
    markups: Mapping[str, Decimal] | None = None,
) -> CatalogueResult:
    """One product per ``item_id``.

    ``location_ids_in_order`` are the org's locations by the POS's ids: a product's price is that
    of the first one that may sell it and has a price for it. Locations not named there follow in
    natural order.
    ``markups`` are the org's own factors (see ``pricing.markup_for``).
    """
    rank = {location_id: place for place, location_id in enumerate(location_ids_in_order)}

    def leading_first(row: InventoryRow) -> tuple[object, ...]:
        place = rank.get(row.location_id, len(rank))
        batch = (row.batch_id is None, natural_key(row.batch_id or ""))
        # The last term makes the order total: what else rows differ in, it decides.
        return (not row.sellable, place, natural_key(row.location_id), batch, repr(row))

    items: defaultdict[str, list[InventoryRow]] = defaultdict(list)
    for row in rows:
        items[row.item_id].append(row)
    products: list[Product] = []
    problems: list[Problem] = []
    for item_id in sorted(items, key=lambda item_id: (natural_key(item_id), item_id)):
        item_rows = sorted(items[item_id], key=leading_first)
        product = _product(item_rows, markups)
        products.append(product)
        problems.extend(_problems(product, item_rows))
    return CatalogueResult(tuple(products), tuple(problems))


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


def _product(rows: list[InventoryRow], markups: Mapping[str, Decimal] | None) -> Product:
    path = _first(rows, lambda row: row.category_path.strip() or None) or ""
    category, subcategory = clean_category(path)
    factor = markup_for(category, subcategory, markups)
    by_location: defaultdict[str, list[InventoryRow]] = defaultdict(list)
    for row in rows:
        by_location[row.location_id].append(row)
    priced = {
        location_id: _price(location_rows, factor)
        for location_id, location_rows in by_location.items()
    }
    price = next((price for price in priced.values() if price), None)
    stock = tuple(_stock(rows, priced[location]) for location, rows in by_location.items())
    name = _first(rows, lambda row: row.name.strip() or None) or ""
    strain = strain_of(_first(rows, lambda row: (row.strain or "").strip() or None), name, path)
    return Product(
        id=rows[0].item_id,
        external_id=rows[0].item_id,
        name=name,
        brand=_first(rows, lambda row: (row.brand or "").strip() or None),
        category=category,
        subcategory=subcategory,
        price_cents=price.cents if price else None,
        price_source=price.source if price else None,
        cost_cents=_first(rows, lambda row: _cost(row.cost_cents)),
        batch_cost_cents=_first(rows, lambda row: _cost(row.batch_cost_cents)),
        thc_percent=_first(rows, lambda row: row.thc_percent),
        cbd_percent=_first(rows, lambda row: row.cbd_percent),
        strain_type=strain.type,
        strain_inferred=strain.inferred,
        available=any(location.available for location in stock),
        quantity=sum((location.quantity for location in stock), Decimal(0)),
        on_hand=sum((row.on_hand for row in rows), Decimal(0)),
        stock=stock,
    )


def _price(rows: list[InventoryRow], factor: Decimal) -> Price | None:
    """The price at one location; a row that may be sold from outranks one that may not."""
    for sellable in (True, False):
        deciding = [row for row in rows if row.sellable is sellable]
        price = _first(deciding, lambda row: listed_price(dict(row.prices))) or _first(
            deciding, lambda row: _marked_up(row, factor)
        )
        if price:
            return price
    return None


def _marked_up(row: InventoryRow, factor: Decimal) -> Price | None:
    return markup_price(row.cost_cents, factor) or markup_price(row.batch_cost_cents, factor)


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
    if product.price_cents is None:
        yield Problem(product.id, "no_price", "The POS gives neither a price nor a cost.")
    if any(_implausible(cents) for row in rows for _, cents in row.prices):
        yield Problem(product.id, "implausible_price", f"A price is not within {_RANGE}.")
    if any(_implausible(cents) for row in rows for cents in (row.cost_cents, row.batch_cost_cents)):
        yield Problem(product.id, "implausible_cost", f"A cost is not within {_RANGE}.")


_RANGE = f"$0 to ${HIGHEST_PRICE_CENTS // 100:,}"


def _implausible(cents: int | None) -> bool:
    return bool(cents) and not believable(cents)


def _cost(cents: int | None) -> int | None:
    return None if _implausible(cents) else cents


def _first(rows: Iterable[InventoryRow], fact: Callable[[InventoryRow], T | None]) -> T | None:
    return next((found for row in rows if (found := fact(row)) is not None), None)
