"""What the discounts make of every stored product, at this very moment."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from shared.clock import Clock
from shared.domain.change import fingerprint
from shared.domain.discounts import Discount, Discountable, next_change, sale_of
from shared.store import discounts as discount_store
from shared.store.database import Write
from shared.store.price_list import PriceList

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sales:
    """An org's discounts and the price list of what it sells. ``store`` takes the writes."""

    org_id: str
    prices: PriceList
    discounts: Sequence[Discount]
    store: Callable[[Iterable[Write]], None]
    clock: Clock

    def fields(self, product: Discountable) -> dict[str, Any]:
        """The sale fields that a product has now."""
        return discount_store.sale_fields(sale_of(product, self.discounts, self.clock()))

    def apply(self) -> int:
        """Set the sale fields of the products where they are no longer right; of how many."""
        changed = 0
        for product in self.prices.menu():
            fields = self.fields(product)
            found = fingerprint(fields)
            if found == product.sale:
                continue
            changed += 1
            self.store(discount_store.put_sale(self.org_id, product.id, fields, now=self.clock()))
            self.prices.put(replace(product, sale=found))
        if changed:
            log.info("sales_applied", products=changed)
        return changed

    def distrust(self) -> None:
        """Set the sale fields of every product again, whatever they are said to be."""
        for product in self.prices.menu():
            self.prices.put(replace(product, sale=None))

    def next_change(self) -> datetime | None:
        """When a discount next begins or ends by itself."""
        return next_change(self.discounts, self.clock())
