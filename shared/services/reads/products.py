"""What an org sells, as its staff sees it: filtered and sorted in memory, page by page."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from shared.clock import Clock
from shared.domain.ids import natural_key
from shared.domain.public_menu import SALE_DETAILS
from shared.errors import NotFound
from shared.store import products
from shared.store.database import Database
from shared.store.listing import decode_cursor, encode_cursor

Position = tuple[bool, float, str, tuple[int, int, str]]
"""Sorts products: those without the field of the order last, then by the field, name and id."""

_POSITION: TypeAdapter[Position] = TypeAdapter(Position, config=ConfigDict(strict=True))


class ProductSort(StrEnum):
    """The orders of a list of products; a minus is for descending. By ``saleEndsAt`` come first
    those whose sale ends first."""

    NAME = "name"
    CHEAPEST = "price"
    DEAREST = "-price"
    LEAST_STOCK = "quantity"
    MOST_STOCK = "-quantity"
    SALE_ENDS = "saleEndsAt"


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products to show; None is all. ``text`` is a part of the name or of the brand, or an
    id, ``category`` and ``brand`` are whole names, all whatever the case."""

    text: str | None = None
    category: str | None = None
    brand: str | None = None
    on_sale: bool | None = None
    available: bool | None = None

    def fits(self, product: Mapping[str, Any]) -> bool:
        return (
            (self.category is None or _same(self.category, product.get("category")))
            and (self.brand is None or _same(self.brand, product.get("brand")))
            and (self.on_sale is None or self.on_sale is bool(product.get("isOnSale")))
            and (self.available is None or self.available is bool(product.get("available")))
            and (self.text is None or _says(product, self.text.casefold()))
        )


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Some products, the cursor of the next page (None: the last), how many fit the filter, and
    how many each category of the whole menu has."""

    products: Sequence[Mapping[str, Any]]
    cursor: str | None
    total: int
    categories: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ProductReads:
    """Reads an org's products with what the public does not see."""

    database: Database
    clock: Clock

    def menu(self, org_id: str) -> Sequence[Mapping[str, Any]]:
        """All products on the menu."""
        return products.whole_menu(self.database, org_id)

    def page(
        self,
        menu: Sequence[Mapping[str, Any]],
        wanted: ProductFilter,
        *,
        sort: ProductSort,
        cursor: str | None,
        limit: int,
    ) -> ProductPage:
        """Some products of a menu. Raises RequestInvalid for a cursor of another form."""
        after = decode_cursor(cursor, _POSITION) if cursor else None
        now = self.clock()
        shown = [_at(product, now) for product in menu]
        fitting = sorted(
            ((_position(each, sort), each) for each in shown if wanted.fits(each)),
            key=lambda found: found[0],
        )
        start = 0 if after is None else bisect_right(fitting, after, key=lambda found: found[0])
        found = fitting[start : start + limit]
        more = len(fitting) > start + limit
        return ProductPage(
            products=[product for _, product in found],
            cursor=encode_cursor(found[-1][0]) if more else None,
            total=len(fitting),
            categories=Counter(str(each.get("category") or "") for each in shown),
        )

    def get(self, org_id: str, product_id: str) -> Mapping[str, Any]:
        """One product, also one that the POS has no more. Raises NotFound."""
        found = products.read_whole(self.database, org_id, product_id)
        if found is None:
            raise NotFound("there is no such product")
        return _at(found, self.clock())


def _at(product: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """The product without a sale that is over by now."""
    ends_at = product.get("saleEndsAt")
    if not isinstance(ends_at, datetime) or now < ends_at:
        return product
    kept = {name: value for name, value in product.items() if name not in SALE_DETAILS}
    return {**kept, "isOnSale": False}


def _position(product: Mapping[str, Any], sort: ProductSort) -> Position:
    number = 0.0
    missing = False
    if sort is not ProductSort.NAME:
        value = product.get(sort.value.removeprefix("-"))
        if isinstance(value, datetime):
            value = value.timestamp()
        missing = not isinstance(value, int | float)
        number = 0.0 if missing else float(value or 0)
    if sort.value.startswith("-"):
        number = -number
    name = str(product.get("name") or "").casefold()
    return missing, number, name, natural_key(str(product["id"]))


def _same(one: str, other: object) -> bool:
    return isinstance(other, str) and one.strip().casefold() == other.strip().casefold()


def _says(product: Mapping[str, Any], text: str) -> bool:
    names = (str(product.get(field) or "").casefold() for field in ("name", "brand"))
    return any(text in name for name in names) or str(product["id"]).casefold() == text
