"""Why a product costs what it costs, is on sale, and is shown or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.domain.changes import REMOVED_AT, changed_fields
from shared.domain.ids import natural_key
from shared.domain.money import to_cents
from shared.domain.pricing import PriceSource, markup_for
from shared.errors import ConfigurationInvalid, NotFound
from shared.services.reads.explanations.origins import (
    QuarantineEntry,
    RunBehind,
    quarantine_path,
    quarantined,
    run_before,
)
from shared.store import inventory, paths, tenants
from shared.store.database import Database
from shared.store.discounts import SALE
from shared.store.products import PRODUCT

CHANGES = 5
"""Changes of the price that are told, the latest."""
MENU_FIELDS = PRODUCT.owned + SALE.owned
"""What the menu's copy has of a product: the same."""


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One step on the way to a price, in the order in which they are tried: the first that gives
    one is ``used``; those before it gave none that is believable."""

    source: PriceSource
    used: bool
    rule: str


@dataclass(frozen=True, slots=True)
class PriceExplained:
    """The price and its source, None where there is none; ``markup`` is the factor on the cost
    that holds for the category. ``problem``: what is wrong with the org's own factors."""

    price_cents: int | None
    source: str | None
    steps: tuple[PriceStep, ...]
    cost_cents: int | None
    batch_cost_cents: int | None
    markup: Decimal | None
    changes: tuple[Mapping[str, Any], ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SaleExplained:
    """Whether the product is on sale, by which discount; ``discount`` are that one's fields, None
    where it is not stored (any more)."""

    is_on_sale: bool
    sale_price_cents: int | None
    badge: str | None
    ends_at: datetime | None
    discount_id: str | None
    discount: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class StockLine:
    """The stock of a location; ``decides``: its price is the product's."""

    location_id: str
    quantity: float
    available: bool
    price_cents: int | None
    decides: bool


@dataclass(frozen=True, slots=True)
class ProductExplanation:
    """Where a product's price, sale and stock come from. ``on_menu``: whether anybody sees it, and
    ``menu_differs`` names the fields in which the menu's copy is another."""

    product_id: str
    stored: bool
    name: str | None
    category: str | None
    source: str | None
    removed_at: datetime | None
    written_at: datetime | None
    run: RunBehind | None
    quarantine: QuarantineEntry | None
    price: PriceExplained
    sale: SaleExplained
    available: bool
    quantity: float
    stock: tuple[StockLine, ...]
    on_menu: bool
    menu_differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainProduct:
    """Explains a product. A handful of reads."""

    database: Database

    def __call__(self, org_id: str, product_id: str) -> ProductExplanation:
        """Raises NotFound where the product is neither stored nor in quarantine."""
        own = f"{paths.products(org_id)}/{product_id}"
        shown = f"{paths.menu_items(org_id)}/{product_id}"
        bad = quarantine_path(org_id, "products", product_id)
        found = self.database.get_all([own, shown, bad])
        fields, menu, entry = found[own].fields, found[shown], quarantined(found[bad].fields)
        if not found[own].exists and not menu.exists and entry is None:
            raise NotFound("there is no such product, nor one of that id in quarantine")
        written_at = fields.get("updatedAt")
        return ProductExplanation(
            product_id=product_id,
            stored=found[own].exists,
            name=fields.get("name"),
            category=fields.get("category"),
            source=fields.get("provider"),
            removed_at=fields.get(REMOVED_AT),
            written_at=written_at,
            run=run_before(self.database, org_id, written_at),
            quarantine=entry,
            price=self._price(org_id, product_id, fields),
            sale=self._sale(org_id, fields),
            available=bool(fields.get("available")),
            quantity=fields.get("quantity") or 0,
            stock=_stock(fields),
            on_menu=menu.exists,
            menu_differs=_menu_differs(fields, menu.fields) if menu.exists else (),
        )

    def _price(self, org_id: str, product_id: str, fields: Mapping[str, Any]) -> PriceExplained:
        problem, markup = None, None
        try:
            own = tenants.read(self.database, org_id).sync.markups
            category = str(fields.get("category") or "")
            markup = markup_for(category, fields.get("subcategory"), own)
        except ConfigurationInvalid as error:
            problem = str(error)
        changes = inventory.latest_price_changes(self.database, org_id, product_id, CHANGES)
        source = fields.get("priceSource")
        return PriceExplained(
            price_cents=_cents(fields.get("price")) or None,
            source=source,
            steps=_steps(source, markup),
            cost_cents=_cents(fields.get("cost")),
            batch_cost_cents=_cents(fields.get("batchCost")),
            markup=markup,
            changes=tuple(each.fields for each in changes),
            problem=problem,
        )

    def _sale(self, org_id: str, fields: Mapping[str, Any]) -> SaleExplained:
        discount_id = fields.get("discountId")
        discount = None
        if discount_id:
            found = self.database.get(f"{paths.discounts(org_id)}/{discount_id}")
            discount = dict(found.fields) if found.exists else None
        return SaleExplained(
            is_on_sale=bool(fields.get("isOnSale")),
            sale_price_cents=_cents(fields.get("salePrice")),
            badge=fields.get("saleBadgeText"),
            ends_at=fields.get("saleEndsAt"),
            discount_id=discount_id,
            discount=discount,
        )


_RULES = {
    PriceSource.OTD: "the POS's price out the door: adult use, medical use, any",
    PriceSource.RETAIL: "its retail price: adult use, medical use, any",
}


def _steps(source: object, markup: Decimal | None) -> tuple[PriceStep, ...]:
    factor = f"the cost times {markup or 'a factor'}, by category"
    tried = {**_RULES, PriceSource.MARKUP: factor}
    return tuple(PriceStep(each, each.value == source, rule) for each, rule in tried.items())


def _stock(fields: Mapping[str, Any]) -> tuple[StockLine, ...]:
    stored = fields.get("stock") or {}
    price = _cents(fields.get("price"))
    lines, decided = [], False
    for location_id in sorted(stored, key=natural_key):
        here = stored[location_id]
        own = _cents(here.get("price")) or None
        decides = not decided and own is not None and own == price
        decided |= decides
        lines.append(
            StockLine(
                location_id, here.get("quantity") or 0, bool(here.get("available")), own, decides
            )
        )
    return tuple(lines)


def _menu_differs(fields: Mapping[str, Any], menu: Mapping[str, Any]) -> tuple[str, ...]:
    own = {name: fields[name] for name in MENU_FIELDS if name in fields}
    theirs = {name: menu[name] for name in MENU_FIELDS if name in menu}
    return tuple(changed_fields(own, theirs))


def _cents(dollars: object) -> int | None:
    if dollars is None:
        return None
    try:
        return to_cents(dollars)
    except ValueError:
        return None
