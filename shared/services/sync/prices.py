"""Keeps the price list, the price history and the sales in step with the products written."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain.catalogue import Product
from shared.domain.change import fingerprint
from shared.services.sync.sales import Sales
from shared.services.sync.session import Session
from shared.store import price_history
from shared.store.database import Write
from shared.store.price_list import PricedProduct, PriceList


@dataclass(frozen=True, slots=True)
class Prices:
    """The price list of one invocation, and what is on sale in it."""

    session: Session
    listed: PriceList
    sales: Sales

    def sale_fields(self, product: Product) -> dict[str, Any]:
        """The sale fields to be written along with a product."""
        return self.sales.fields(product)

    def written(self, product: Product, sale: dict[str, Any]) -> list[Write]:
        """Note a product that is written with these sale fields; the writes that keep a change of
        its price or cost."""
        before = self.listed.get(product.id)
        same = before is not None and _figures(before) == _figures(product)
        since = before.since if before and same else self.session.now()
        after = _priced(product, since, fingerprint(sale))
        self.listed.put(after)
        if before is None or same:
            return []
        source = product.price_source
        return [
            price_history.put(
                self.session.org_id,
                before,
                after,
                source=source.value if source else None,
                run_id=self.session.run_id,
                now=self.session.now(),
            )
        ]

    def unchanged(self, products: Iterable[Product]) -> None:
        """Note products that stand as they are, where the list does not have them."""
        for product in products:
            before = self.listed.get(product.id)
            if before is None or not before.on_menu:
                self.listed.put(_priced(product, self.session.now(), None))

    def removed(self, product_id: str) -> None:
        """Note that a product is off the menu."""
        before = self.listed.get(product_id)
        if before:
            self.listed.put(replace(before, sale=None, on_menu=False))


def _figures(product: Product | PricedProduct) -> tuple[int | None, int | None]:
    return product.price_cents, product.cost_cents


def _priced(product: Product, since: datetime, sale: bytes | None) -> PricedProduct:
    return PricedProduct(
        id=product.id,
        category=product.category,
        subcategory=product.subcategory,
        brand=product.brand,
        price_cents=product.price_cents,
        cost_cents=product.cost_cents,
        since=since,
        sale=sale,
    )
