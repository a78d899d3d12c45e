"""A POS as it is read after somebody was erased: their customers are left out, their orders come
without them. So no list, no webhook and no look-up brings a person back."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from threading import Lock

from shared.domain.customers import Customer
from shared.domain.discounts import Discount
from shared.domain.erasure import REDACTED_RAW, ErasedPeople
from shared.domain.inventory import BatchDetail, InventoryRow, StockArea
from shared.domain.metadata import NamedEntry, NamedKind, PublicLocation
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order
from shared.domain.runs import StreamCounts
from shared.pos.port import START, ChangeListings, LookUpResult, Page, PosClient, Rejected

SKIPPED_ERASED = "erased"
"""Under which the customers who are left out are counted, among a stream's ``skippedReasons``."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Leaves the erased out of pages, and counts them in ``tally``: the customers'."""

    people: ErasedPeople
    tally: Callable[[], StreamCounts]
    lock: Lock

    def customers(self, page: Page[Customer]) -> Page[Customer]:
        """The page without the customers who were erased. ``rows`` stays: the POS has them."""
        kept = tuple(c for c in page.records if not self.people.is_of(c))
        rejected = tuple(r for r in page.rejected if not self._is_rejected(r))
        left_out = len(page.records) - len(kept) + len(page.rejected) - len(rejected)
        if not left_out:
            return page
        with self.lock:
            tally = self.tally()
            tally.skipped += left_out
            counted = tally.skipped_reasons.get(SKIPPED_ERASED, 0) + left_out
            tally.skipped_reasons = {**tally.skipped_reasons, SKIPPED_ERASED: counted}
        return replace(page, records=kept, rejected=rejected)

    def orders(self, page: Page[Order]) -> Page[Order]:
        """The page with the orders of the erased as anonymous sales."""
        return replace(
            page,
            records=tuple(map(self.people.anonymous, page.records)),
            rejected=tuple(map(self._rejected_order, page.rejected)),
        )

    def _is_rejected(self, rejected: Rejected) -> bool:
        return self.people.has_id(rejected.record_id) or self.people.mentioned_in(rejected.raw)

    def _rejected_order(self, rejected: Rejected) -> Rejected:
        if not self.people.mentioned_in(rejected.raw):
            return rejected
        return replace(rejected, raw=REDACTED_RAW)


class SuppressedPos:
    """A PosClient without the erased. What is about nobody is the account's own answer."""

    def __init__(self, pos: PosClient, suppression: Suppression) -> None:
        self._pos = pos
        self._suppression = suppression

    @property
    def provider(self) -> str:
        return self._pos.provider

    @property
    def changes(self) -> ChangeListings | None:
        listings = self._pos.changes
        if listings is None:
            return None
        listed, keep = listings.orders, self._suppression.orders

        def orders(after: int) -> Generator[Page[Order], None, None]:
            return (keep(page) for page in listed(after))

        return replace(listings, orders=orders)

    def customers(
        self, *, expected: int | None = None, start: int = START
    ) -> Generator[Page[Customer], None, None]:
        for page in self._pos.customers(expected=expected, start=start):
            yield self._suppression.customers(page)

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        for page in self._pos.orders(window):
            yield self._suppression.orders(page)

    def customer(self, customer_id: str) -> Page[Customer]:
        return self._suppression.customers(self._pos.customer(customer_id))

    def order(self, order_id: str) -> Page[Order]:
        return self._suppression.orders(self._pos.order(order_id))

    def inventory(self, location_id: str) -> Generator[Page[InventoryRow], None, None]:
        return self._pos.inventory(location_id)

    def discounts(self) -> Page[Discount]:
        return self._pos.discounts()

    def named(self, kind: NamedKind) -> LookUpResult[tuple[NamedEntry, ...]]:
        return self._pos.named(kind)

    def locations(self) -> LookUpResult[tuple[PublicLocation, ...]]:
        return self._pos.locations()

    def login_location(self) -> str | None:
        return self._pos.login_location()

    def areas(self, location_id: str) -> LookUpResult[tuple[StockArea, ...]]:
        return self._pos.areas(location_id)

    def batch(self, batch_id: str) -> BatchDetail:
        return self._pos.batch(batch_id)

    def raw_product(self, product_id: str) -> str:
        return self._pos.raw_product(product_id)
