"""How an order is placed and how far it has come."""

from random import Random

RETAIL = "retail"
_TYPES = (RETAIL,) * 7 + ("pickup",) * 2 + ("delivery",)

_COUNTING: dict[str, tuple[str | None, ...]] = {
    RETAIL: (None, "completed", "completed"),
    "pickup": ("completed", "completed", "ready"),
    "delivery": ("delivered", "completed"),
}
_UNDER_WAY = ("pending", "submitted", "confirmed", "preparing", "processing")

COUNTING_STATUSES = frozenset({None, "completed", "ready", "delivered"})
"""The statuses under which money was taken; an in-store sale often carries none."""


def type_and_status(regular: bool, rng: Random) -> tuple[str, str | None]:
    """An order's type and status. The orders of a regular all count as spending."""
    order_type = rng.choice(_TYPES)
    chance = rng.random()
    if not regular and chance < 0.06:
        return order_type, "cancelled"
    if not regular and order_type != RETAIL and chance < 0.4:
        return order_type, rng.choice(_UNDER_WAY)
    return order_type, rng.choice(_COUNTING[order_type])
