"""Alleaves as a point of sale: the PosClient port."""

from collections.abc import Callable, Generator, Hashable
from contextlib import closing
from functools import partial
from typing import TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from shared.domain.batches import BatchDetail
from shared.domain.customers import Customer
from shared.domain.discounts import Discount
from shared.domain.inventory import InventoryRow
from shared.domain.metadata import Named, NamedKind, PublicLocation
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order
from shared.pos.alleaves.api import AlleavesApi, RawPage
from shared.pos.alleaves.customers import SOURCE, to_customer
from shared.pos.alleaves.discounts import to_discount
from shared.pos.alleaves.inventory import to_inventory_row
from shared.pos.alleaves.mapping import page_of
from shared.pos.alleaves.metadata import PATHS, to_batch_detail, to_locations, to_named
from shared.pos.alleaves.orders import to_order
from shared.pos.alleaves.stock import list_stock
from shared.pos.base import Found, Page, Rejected
from shared.pos.failures import Refused
from shared.pos.paging import Fetched, Listed, PageSettings, list_pages

R = TypeVar("R", Customer, Order)

NO_SUCH_RECORD = 404


class AlleavesClient:
    """One account at Alleaves. ``location_id`` holds for orders that name no location, ``zone``
    for times without one."""

    def __init__(
        self,
        api: AlleavesApi,
        *,
        zone: ZoneInfo,
        location_id: str,
        paging: PageSettings | None = None,
    ) -> None:
        self._api = api
        self._zone = zone
        self._location_id = location_id
        self._paging = paging or PageSettings()

    @property
    def provider(self) -> str:
        """See PosClient."""
        return SOURCE

    def customers(
        self, *, expected: int | None = None, start_page: int = 1
    ) -> Generator[Page[Customer], None, None]:
        """See PosClient."""
        return self._pages(
            partial(self._api.customers, size=self._paging.size),
            lambda row: to_customer(row, self._zone),
            what="customers",
            expected=expected,
            start_page=start_page,
        )

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        """See PosClient."""
        return self._pages(
            partial(self._api.orders, window, size=self._paging.size),
            lambda row: to_order(row, self._zone, self._location_id),
            what="orders",
        )

    def customer(self, customer_id: str) -> Page[Customer]:
        """See PosClient."""
        return self._one(
            f"/customer/{quote(customer_id, safe='')}",
            lambda row: to_customer(row, self._zone),
            what="a customer",
        )

    def order(self, order_id: str) -> Page[Order]:
        """See PosClient."""
        return self._one(
            f"/order/{quote(order_id, safe='')}",
            lambda row: to_order(row, self._zone, self._location_id),
            what="an order",
        )

    def inventory(self, location_id: str) -> Generator[Page[InventoryRow], None, None]:
        """See PosClient."""
        return list_stock(
            partial(self._api.inventory, location_id),
            lambda row: to_inventory_row(row, location_id),
            provider=self._api.name,
        )

    def discounts(self) -> Page[Discount]:
        """See PosClient."""
        raw = self._api.listed("/discount", "discounts")
        entries = tuple(to_discount(row, self._zone) for row in raw.rows)
        return page_of(Listed(1, entries, len(entries), raw.total, raw.requests, last=True))

    def named(self, kind: NamedKind) -> Found[tuple[Named, ...]]:
        """See PosClient."""
        raw = self._api.listed(PATHS[kind], kind)
        return Found(to_named(kind, raw.rows), raw.requests)

    def locations(self) -> Found[tuple[PublicLocation, ...]]:
        """See PosClient."""
        raw = self._api.listed("/location", "locations")
        return Found(to_locations(raw.rows), raw.requests)

    def batch(self, batch_id: str) -> BatchDetail:
        """See PosClient."""
        return to_batch_detail(
            self._api.record(f"/inventory/batch/{quote(batch_id)}", "a batch").data
        )

    def _one(self, path: str, to_record: Callable[[object], R | Rejected], *, what: str) -> Page[R]:
        try:
            reply = self._api.record(path, what)
        except Refused as error:
            if error.status != NO_SUCH_RECORD:
                raise
            return page_of(Listed(1, (), 0, 0, 1, last=True))
        entry = to_record(reply.data)
        return page_of(Listed(1, (entry,), 1, 1, reply.requests, last=True))

    def _pages(
        self,
        fetch: Callable[[int], RawPage],
        to_record: Callable[[object], R | Rejected],
        *,
        what: str,
        expected: int | None = None,
        start_page: int = 1,
    ) -> Generator[Page[R], None, None]:
        def fetch_mapped(number: int) -> Fetched[R | Rejected]:
            raw = fetch(number)
            return Fetched([to_record(row) for row in raw.rows], raw.total, raw.requests)

        listed = list_pages(
            fetch_mapped,
            _identity,
            provider=self._api.name,
            what=what,
            settings=self._paging,
            expected=expected,
            start_page=start_page,
        )
        with closing(listed):
            yield from map(page_of, listed)


def _identity(entry: Customer | Order | Rejected) -> Hashable:
    if isinstance(entry, Rejected):
        return entry.record_id or ("unreadable", hash(entry.raw))
    return entry.id
