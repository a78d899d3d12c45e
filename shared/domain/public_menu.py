"""The menu as anyone may see it: its order, its parts, and what a new org shows instead."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.ids import natural_key

SALE_DETAILS = ("salePrice", "saleBadgeText", "discountId", "saleEndsAt")

MenuPosition = tuple[bool, float, str, tuple[int, int, str]]
"""Sorts the menu: those that a merchant has put in order first, then by name."""


@dataclass(frozen=True, slots=True)
class MenuProduct:
    """A product on the menu. ``view`` has its public fields as JSON takes them, no others; always
    ``id``, ``name``, ``category``, ``available``, ``isFeatured`` and ``isOnSale``."""

    view: Mapping[str, Any]
    sale_ends_at: datetime | None = None

    @property
    def place(self) -> MenuPosition:
        view, order = self.view, self.view.get("sortOrder")
        return (order is None, order or 0.0, view["name"].casefold(), natural_key(view["id"]))

    def at(self, now: datetime) -> "MenuProduct":
        """The product without a sale that is over by now."""
        if self.sale_ends_at is None or now < self.sale_ends_at:
            return self
        kept = {name: value for name, value in self.view.items() if name not in SALE_DETAILS}
        return MenuProduct({**kept, "isOnSale": False})


@dataclass(frozen=True, slots=True)
class MenuFilter:
    """Which products to show; None is all. Category and brand by name, whatever the case."""

    category: str | None = None
    brand: str | None = None
    on_sale: bool | None = None

    def fits(self, product: MenuProduct) -> bool:
        view = product.view
        return (
            (self.category is None or _same(self.category, view["category"]))
            and (self.brand is None or _same(self.brand, view.get("brand") or ""))
            and (self.on_sale is None or self.on_sale is view["isOnSale"])
        )


def menu_page(
    menu: Sequence[MenuProduct], wanted: MenuFilter, *, after: MenuPosition | None, limit: int
) -> tuple[list[MenuProduct], MenuPosition | None]:
    """At most ``limit`` products of an ordered menu after a position, and the position to continue
    after, None at the end."""
    start = 0 if after is None else bisect_right(menu, after, key=lambda product: product.place)
    found: list[MenuProduct] = []
    for product in menu[start:]:
        if not wanted.fits(product):
            continue
        if len(found) == limit:
            return found, found[-1].place
        found.append(product)
    return found, None


def showcase(menu: Iterable[MenuProduct], limit: int) -> list[MenuProduct]:
    """What a menu builder begins with: the featured products in stock, then all others in stock,
    then the rest, each in the order of the menu."""
    return sorted(menu, key=lambda p: (not p.view["available"], not p.view["isFeatured"], p.place))[
        :limit
    ]


def demo_menu() -> list[MenuProduct]:
    """Invented products for an org that has none yet, each marked as such."""
    fields = ("id", "name", "category", "price")
    flags = {"available": True, "isFeatured": False, "isOnSale": False, "isDemo": True}
    return [
        MenuProduct(dict(zip(fields, (f"demo-{number}", *product), strict=True)) | flags)
        for number, product in enumerate(_DEMO, start=1)
    ]


_DEMO = (
    ("Example Flower 3.5g", "Flower", 35.0),
    ("Example Flower 7g", "Flower", 60.0),
    ("Example Vape 1g", "Vapes", 45.0),
    ("Example Vape 0.5g", "Vapes", 30.0),
    ("Example Pre Roll", "Pre Rolls", 12.0),
    ("Example Pre Roll 5 Pack", "Pre Rolls", 40.0),
    ("Example Gummies", "Edibles", 22.0),
    ("Example Chocolate", "Edibles", 25.0),
    ("Example Rosin 1g", "Concentrates", 55.0),
    ("Example Seltzer", "Beverages", 8.0),
    ("Example Tincture", "Tinctures", 40.0),
    ("Example Balm", "Topicals", 28.0),
)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
