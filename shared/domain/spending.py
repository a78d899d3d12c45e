"""What a customer has spent: folded from their orders, never incremented.

Here, and nowhere else: which orders count (``counts``), and what one of them adds (``spent_in``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.domain.money import average_cents
from shared.domain.orders import OrderItem, OrderStatus, OrderType

COUNTED = frozenset({OrderStatus.COMPLETED, OrderStatus.READY})


@dataclass(frozen=True, slots=True)
class OrderFact:
    """What spending needs of one stored order; ``total_cents`` is negative for a refund."""

    status: str | None
    type: str | None
    total_cents: int
    created_at: datetime
    items: tuple[OrderItem, ...] = ()


def counts(status: str | None, order_type: str | None) -> bool:
    """Whether money was taken: completed and ready orders, in-store sales without a status."""
    return status in COUNTED if status else order_type == OrderType.IN_STORE


@dataclass(frozen=True, slots=True)
class Spending:
    """What a customer has spent. A refund lowers the total; it is no order and moves no date."""

    total_cents: int = 0
    order_count: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None

    @property
    def average_cents(self) -> int:
        """Average per counted order, rounded half up."""
        return average_cents(self.total_cents, self.order_count)

    def __add__(self, other: "Spending") -> "Spending":
        """Spending of two records together, for instance of one person with two."""
        firsts = [d for d in (self.first_order_at, other.first_order_at) if d]
        lasts = [d for d in (self.last_order_at, other.last_order_at) if d]
        return Spending(
            total_cents=self.total_cents + other.total_cents,
            order_count=self.order_count + other.order_count,
            first_order_at=min(firsts, default=None),
            last_order_at=max(lasts, default=None),
        )


def spent_in(order: OrderFact) -> Spending:
    """What one order adds; nothing if it does not count."""
    if not counts(order.status, order.type):
        return Spending()
    if order.total_cents < 0:
        return Spending(total_cents=order.total_cents)
    return Spending(order.total_cents, 1, order.created_at, order.created_at)


def fold(orders: Iterable[OrderFact]) -> Spending:
    """Spending over the given orders, each given once, in any order."""
    return sum(map(spent_in, orders), Spending())
