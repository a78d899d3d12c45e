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
from shared.store.price_list import PricedProduct, PriceList

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A product whose sale fields are to become others."""

    product: PricedProduct
    fields: dict[str, Any]
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Sales:
    """An org's discounts and the price list of what it sells."""

    org_id: str
    prices: PriceList
    discounts: Sequence[Discount]
    clock: Clock

    def fields(self, product: Discountable) -> dict[str, Any]:
        """The sale fields that a product has now."""
        return discount_store.sale_fields(sale_of(product, self.discounts, self.clock()))

    def changes(self) -> list[Change]:
        """The products whose sale fields are no longer right."""
        found = ((product, self.fields(product)) for product in self.prices.menu())
        changes = (Change(product, fields, fingerprint(fields)) for product, fields in found)
        return [change for change in changes if change.fingerprint != change.product.sale]

    def apply(self, store: Callable[[Iterable[Write]], None], announce: Callable[[], None]) -> None:
        """Set the sale fields where they are no longer right. ``store`` takes the writes;
        ``announce`` is called before them, to have the price list kept as it is by then."""
        changes = self.changes()
        if not changes:
            return
        # Should this worker die after the writes, a sale that it had set would be nobody's to end.
        for change in changes:
            self.prices.put(replace(change.product, sale=None))
        announce()
        for change in changes:
            product_id = change.product.id
            store(discount_store.put_sale(self.org_id, product_id, change.fields, now=self.clock()))
            self.prices.put(replace(change.product, sale=change.fingerprint))
        log.info("sales_applied", products=len(changes))

    def distrust(self) -> None:
        """Set the sale fields of every product again, whatever they are said to be."""
        for product in self.prices.menu():
            self.prices.put(replace(product, sale=None))

    def next_change(self) -> datetime | None:
        """When a discount next begins or ends by itself."""
        return next_change(self.discounts, self.clock())
