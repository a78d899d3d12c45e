"""What was bought and what it came to, in integer cents until it is written out."""

from dataclasses import dataclass
from random import Random
from typing import Any

from deploy.local.simulator.seed.catalog import Product

_TAX_PERCENT = 13
_VIP_BASKET_CENTS = 11_000  # ten such orders are past 1,000 dollars


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines (product, quantity) of an order and its amounts; all negative for a refund."""

    items: tuple[tuple[Product, int], ...]
    subtotal_cents: int
    discount_cents: int
    tax_cents: int

    @property
    def total_cents(self) -> int:
        return self.subtotal_cents - self.discount_cents + self.tax_cents

    def wire(self, order_id: int, rng: Random) -> dict[str, Any]:
        """The fields as the POS writes them: dollars as numbers, the total at times as text."""
        total = self.total_cents / 100
        counted = rng.choice(("quantity", "quantity", "qty"))
        return {
            "total": f"{total:.2f}" if rng.random() < 0.2 else total,
            "subtotal": self.subtotal_cents / 100,
            "tax": self.tax_cents / 100,
            "discount": self.discount_cents / 100,
            "loyalty": 0,
            "points_earned": None,
            "loyalties": [],
            "items": [
                {
                    "id_item": order_id * 10 + number,
                    "id_inventory_item": product.id,
                    "item": product.name,
                    counted: quantity,
                    "price": product.price_cents / 100,
                    "category": product.category,
                }
                for number, (product, quantity) in enumerate(self.items)
            ],
        }


def draw_lines(products: list[Product], big: bool, rng: Random) -> Lines:
    """One to three lines; a ``big`` basket goes on until it is worth a VIP's."""
    items: list[tuple[Product, int]] = []
    subtotal = 0
    wanted = rng.randint(1, 3)
    while products and (len(items) < wanted or (big and subtotal < _VIP_BASKET_CENTS)):
        product, quantity = rng.choice(products), rng.choice((1, 1, 1, 2))
        items.append((product, quantity))
        subtotal += product.price_cents * quantity
    discount = subtotal // 10 if rng.random() < 0.1 and not big else 0
    tax = ((subtotal - discount) * _TAX_PERCENT + 50) // 100
    return Lines(tuple(items), subtotal, discount, tax)


def refunded(lines: Lines) -> Lines:
    """The same goods brought back."""
    return Lines(
        tuple((product, -quantity) for product, quantity in lines.items),
        -lines.subtotal_cents,
        -lines.discount_cents,
        -lines.tax_cents,
    )
