"""Spending: a pure fold over a customer's stored orders, never an increment.

A customer's stored orders, folded one by one into all that is known of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.domain.money import average_cents
from shared.domain.orders import OrderItem, OrderStatus, OrderType
from shared.domain.preferences import ItemCounts, Preferences

COUNTED = frozenset({OrderStatus.COMPLETED, OrderStatus.READY})


@dataclass(frozen=True, slots=True)
class OrderFact:
    """What is to be known of one stored order; ``total_cents`` is negative for a refund."""

    status: str | None
    type: str | None
    total_cents: int
    created_at: datetime
    items: tuple[OrderItem, ...] = ()


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


def counts(status: str | None, order_type: str | None) -> bool:
    """Whether money was taken: completed and ready orders, in-store sales without a status.

    Never pending, cancelled or voided ones.
    """
    if not status:
        return order_type == OrderType.IN_STORE
    return status in COUNTED


def fold(orders: Iterable[OrderFact]) -> Spending:
    """Spending over the given orders, each given once, in any order."""
    spending = Spending()
    for order in orders:
        if counts(order.status, order.type):
            spending = spending + spent_in(order)
    return spending


def spent_in(order: OrderFact) -> Spending:
    """Spending in one order that counts."""
    if order.total_cents < 0:
        return Spending(total_cents=order.total_cents)
    return Spending(
        total_cents=order.total_cents,
        order_count=1,
        first_order_at=order.created_at,
        last_order_at=order.created_at,
    )


class Purchases:
    """What a customer has spent and bought. The order of the orders does not matter."""

    __slots__ = ("_tastes", "spending")

    def __init__(self) -> None:
        self.spending = Spending()
        self._tastes = ItemCounts()

    def add(self, order: OrderFact) -> None:
        """Take in one stored order; each is given once. One that does not count changes nothing."""
        if counts(order.status, order.type):
            self.spending += spent_in(order)
            self._tastes.add(order.items, refund=order.total_cents < 0)

    @property
    def preferences(self) -> Preferences | None:
        """What they like; None for somebody without a counted order."""
        if not self.spending.order_count:
            return None
        return self._tastes.preferences(average_order_cents=self.spending.average_cents)

    @property
    def bought_product_ids(self) -> frozenset[str]:
        """The products bought and kept."""
        return self._tastes.bought_product_ids
