"""What a customer has spent: folded from their orders, never incremented.

Here, and nowhere else: which orders count (``counts``), and what one of them adds (``spent_in``).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.domain.money import average_cents
from shared.domain.orders import Channel, OrderItem, OrderStatus, OrderType

COUNTED = frozenset({OrderStatus.COMPLETED, OrderStatus.READY})
DIGEST_BYTES = 8
_DIGESTS = 1 << 8 * DIGEST_BYTES
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OrderFact:
    """What spending needs of one stored order; ``total_cents`` is negative for a refund. An order
    of any other ``channel`` than the web shop's was placed in a shop."""

    status: str | None
    type: str | None
    total_cents: int
    created_at: datetime
    items: tuple[OrderItem, ...] = ()
    channel: str | None = None


def counts(status: str | None, order_type: str | None) -> bool:
    """Whether money was taken: completed and ready orders, in-store sales without a status."""
    return status in COUNTED if status else order_type == OrderType.IN_STORE


@dataclass(frozen=True, slots=True)
class Spending:
    """What a customer has spent. A refund lowers the total; it is no order and moves no date.

    ``digest`` is the sum of the counted orders' hashes: another one where any amount, date or
    channel is another, though all figures are the same.
    """

    total_cents: int = 0
    order_count: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    digest: int = field(default=0, compare=False)

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
            digest=(self.digest + other.digest) % _DIGESTS,
        )


def spent_in(order: OrderFact) -> Spending:
    """What one order adds; nothing if it does not count."""
    if not counts(order.status, order.type):
        return Spending()
    cents, at, digest = order.total_cents, order.created_at, _digest(order)
    if cents < 0:
        return Spending(total_cents=cents, digest=digest)
    return Spending(cents, 1, at, at, digest)


def fold(orders: Iterable[OrderFact]) -> Spending:
    """Spending over the given orders, each given once, in any order."""
    return sum(map(spent_in, orders), Spending())


def _digest(order: OrderFact) -> int:
    at = (order.created_at - _EPOCH) // _MICROSECOND
    told = f"{at} {order.total_cents} {order.channel == Channel.ECOM}".encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=DIGEST_BYTES).digest())
