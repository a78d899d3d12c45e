"""A customer's stored orders, folded one by one into all that is known of them."""

from shared.domain.preferences import Preferences, Tastes
from shared.domain.spending import OrderFact, Spending, counts, spent_in


class Purchases:
    """What a customer has spent and bought. The order of the orders does not matter."""

    __slots__ = ("_tastes", "spending")

    def __init__(self) -> None:
        self.spending = Spending()
        self._tastes = Tastes()

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
