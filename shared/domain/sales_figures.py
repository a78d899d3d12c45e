"""What the orders of a period add up to: by status, by channel, and by week."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.money import average_cents
from shared.domain.orders import Channel
from shared.domain.spending import OrderFact, spent_in

WITHOUT_STATUS = "none"
"""Stands for the status of an order that has none."""


@dataclass(slots=True)
class SalesFigures:
    """Orders by status and by channel, cents by channel and by the number of the week; ``counted``
    orders. What counts, ``domain.spending`` decides: a refund is no counted order, and lowers the
    cents. Changed in place."""

    statuses: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    channel_cents: Counter[str] = field(default_factory=Counter)
    week_cents: Counter[int] = field(default_factory=Counter)
    counted: int = 0

    @property
    def orders(self) -> int:
        """All orders, whether they count or not."""
        return self.statuses.total()

    @property
    def cents(self) -> int:
        """The money taken."""
        return self.week_cents.total()

    @property
    def average_cents(self) -> int:
        """Average of a counted order, rounded half up; 0 without one."""
        return average_cents(self.cents, self.counted)

    def add(self, order: OrderFact, week_starts: Sequence[datetime]) -> None:
        """Take in one order; the weeks' first moments are ascending."""
        week = bisect_right(week_starts, order.created_at) - 1
        spent = spent_in(order)
        channel = Channel.ECOM if order.channel == Channel.ECOM else Channel.RETAIL
        self.statuses[order.status or WITHOUT_STATUS] += 1
        self.channels[channel] += 1
        self.channel_cents[channel] += spent.total_cents
        self.week_cents[week] += spent.total_cents
        self.counted += spent.order_count

    def subtract(self, other: "SalesFigures") -> None:
        """Take out other figures, of the same weeks."""
        self.statuses.subtract(other.statuses)
        self.channels.subtract(other.channels)
        self.channel_cents.subtract(other.channel_cents)
        self.week_cents.subtract(other.week_cents)
        self.counted -= other.counted
