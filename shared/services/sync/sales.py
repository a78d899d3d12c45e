"""The discounts stream, and what the discounts make of every stored product at a moment.

The price list (store/inventory.py) knows the sale fields of each product as last written, so that a
discount that begins or ends costs writes only for the products that it concerns.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from shared.clock import Clock
from shared.domain.catalogue import PricedProduct, Product
from shared.domain.changes import fingerprint
from shared.domain.discounts import Discount, is_over, next_change, sale_of
from shared.errors import ProviderRefused
from shared.pos.port import PosClient
from shared.services.sync.attempts import NotProvided
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import discounts as discount_store
from shared.store import inventory
from shared.store.database import Write
from shared.store.inventory import PriceList

DISCOUNTS = "discounts"

log = structlog.get_logger(__name__)


def sync_discounts(session: Session, clients: Sequence[PosClient]) -> list[Discount]:
    """Store the discounts that run or are to come, drop the others; returns those stored.

    One id in two accounts is the first one's; twice in one account, the last counts. A discount in
    quarantine lowers no price: the menu must not show what the till does not give. Raises
    NotProvided: not every POS that speaks this API has discounts.
    """
    records = StreamRecords(session, DISCOUNTS)
    listed: dict[str, tuple[Discount, str]] = {}
    for client in clients:
        try:
            page = client.discounts()
        except ProviderRefused as error:
            raise NotProvided from error
        with session.lock:
            records.count_page(page, expected=0)
        of_account = {discount.id: (discount, client.provider) for discount in page.records}
        listed = of_account | listed
    now = session.now()
    current = {key: each for key, each in listed.items() if not is_over(each[0], now)}

    def put(change: Changed) -> list[Write]:
        return [discount_store.put(session.org_id, change.record.fields, now=session.now())]

    with session.lock:
        changed = records.changed(
            Record(key, discount_store.fields_of(discount, session.org_id, source))
            for key, (discount, source) in current.items()
        )
        records.announce(changed)
        records.store(changed, put)
        if changed:
            session.flush()
        refused = {*records.manifest.in_quarantine()}
        current = {key: each for key, each in current.items() if key not in refused}
        for discount_id in records.may_be_stored() - current.keys():
            records.manifest.remove(discount_id)
            session.store([discount_store.remove(session.org_id, discount_id)])
            records.tally.deleted += 1
        records.release_others()
    return [discount for discount, _ in current.values()]


@dataclass(frozen=True, slots=True)
class SaleChange:
    """A product whose sale fields are to change."""

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

    def fields(self, product: Product | PricedProduct) -> dict[str, Any]:
        """The sale fields that a product has now."""
        return discount_store.SALE.fields(sale_of(product, self.discounts, self.clock()))

    def changes(self) -> list[SaleChange]:
        """The products whose sale fields are no longer right."""
        found = ((product, self.fields(product)) for product in self.prices.menu())
        changes = (SaleChange(product, fields, fingerprint(fields)) for product, fields in found)
        return [change for change in changes if change.fingerprint != change.product.sale]

    def apply(self, store: Callable[[Iterable[Write]], None], announce: Callable[[], None]) -> None:
        """Set the sale fields where they are no longer right. ``store`` takes the writes;
        ``announce`` is called before them and commits the price list as it is then."""
        changes = self.changes()
        if not changes:
            return
        # Should this worker die after the writes, nothing would end a sale that it had set.
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


@dataclass(frozen=True, slots=True)
class Prices:
    """Keeps the price list and the price history in step with the products written."""

    session: Session
    listed: PriceList
    sales: Sales

    def written(self, product: Product, sale: dict[str, Any]) -> list[Write]:
        """Note a product that is written with these sale fields; returns the writes that record a
        change of its price or cost."""
        before = self.listed.get(product.id)
        same = before is not None and _figures(before) == _figures(product)
        since = before.since if before and same else self.session.now()
        after = _priced(product, since, fingerprint(sale))
        self.listed.put(after)
        if before is None or same:
            return []
        source = product.price_source
        return [
            inventory.put_price_change(
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

    def restore(self, product_id: str, before: PricedProduct | None) -> None:
        """Note that a product is as it was ``before``, after all."""
        if before:
            self.listed.put(before)
        else:
            self.listed.drop_entry(product_id)

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
