"""The public menu as recommendations look at it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.money import to_cents
from shared.domain.recommendations import Menu
from shared.store import paths
from shared.store.database import Database

SHOWN = ("name", "category", "price", "imageUrl")


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A product that can be bought."""

    id: str
    category: str
    price_cents: int | None
    available: bool = True


def read(database: Database, org_id: str) -> Menu:
    """What can be bought now."""
    return Menu(_available(database, org_id))


def items(database: Database, org_id: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Name, category, price and picture of those of the products that can be bought now, by id."""
    where = {f"{paths.menu_items(org_id)}/{product_id}": product_id for product_id in ids}
    found = database.get_all(list(where), [*SHOWN, "available"])
    return {
        where[path]: {name: document.fields.get(name) for name in SHOWN}
        for path, document in found.items()
        if document.fields.get("available")
    }


def _available(database: Database, org_id: str) -> Iterator[MenuItem]:
    found = database.query(
        paths.menu_items(org_id), ("available", "==", True), select=["category", "price"]
    )
    for product in found:
        price = product.fields.get("price")
        yield MenuItem(
            id=product.id,
            category=str(product.fields.get("category") or ""),
            # A product without a price is stored with 0.
            price_cents=to_cents(price) if price else None,
        )
