"""The public menu as recommendations look at it."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.money import to_cents
from shared.domain.recommendations import Menu
from shared.store import paths
from shared.store.database import Database


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
