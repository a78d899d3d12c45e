"""Reading an account at Alleaves."""

import json
from collections.abc import Callable, Generator, Hashable, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from shared.clock import Clock
from shared.domain.customers import Customer
from shared.domain.discounts import Discount
from shared.domain.inventory import BatchDetail, InventoryRow, StockArea
from shared.domain.metadata import NamedEntry, NamedKind, PublicLocation
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order
from shared.errors import ListingIncomplete
from shared.outbound.failures import StatusRefused
from shared.pos.alleaves import catalogue
from shared.pos.alleaves.api import AlleavesApi
from shared.pos.alleaves.orders import to_customer, to_order
from shared.pos.alleaves.parse import SOURCE
from shared.pos.paging import FetchedPage, PageSettings, list_pages
from shared.pos.port import START, LookUpResult, Page, Rejected, page_of, with_raw_cut

NO_SUCH_RECORD = 404
_STOCK_IDENTITY = ("id_item", "id_batch", "id_area")

R = TypeVar("R", Customer, Order)


class AlleavesClient:
    """One account at Alleaves: the PosClient port. ``location_id`` holds for orders that name no
    location, ``zone`` for times without one."""

    def __init__(
        self,
        api: AlleavesApi,
        *,
        zone: ZoneInfo,
        location_id: str,
        clock: Clock,
        paging: PageSettings | None = None,
    ) -> None:
        self.provider = SOURCE
        self.changes = None
        self._api = api
        self._zone = zone
        self._paging = paging or PageSettings()
        self._to_customer = partial(to_customer, zone=zone)
        self._to_order: Callable[[object], Order | Rejected] = lambda row: to_order(
            row, zone, location_id, now=clock()
        )

    def customers(
        self, *, expected: int | None = None, start: int = START
    ) -> Generator[Page[Customer], None, None]:
        fetch = partial(self._api.customers, size=self._paging.size, each=self._to_customer)
        return self._pages(fetch, "customers", expected, start)

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        fetch = partial(self._api.orders, window, size=self._paging.size, each=self._to_order)
        return self._pages(fetch, "orders")

    def customer(self, customer_id: str) -> Page[Customer]:
        path = f"/customer/{quote(customer_id, safe='')}"
        return self._one(path, self._to_customer, "a customer")

    def order(self, order_id: str) -> Page[Order]:
        return self._one(f"/order/{quote(order_id, safe='')}", self._to_order, "an order")

    def inventory(self, location_id: str) -> Generator[Page[InventoryRow], None, None]:
        """Alleaves sends the stock list in one reply; where it announces more rows than it has,
        the rest is asked for. Whether the service honours ``skip`` and ``take`` here is not known:
        a reply of repeats means that it does not, ListingIncomplete."""
        seen: set[Hashable] = set()

        def read_rows(rows: Sequence[object]) -> list[InventoryRow | Rejected]:
            new = _without_repeats(rows, seen)
            return [catalogue.to_inventory_row(row, location_id) for row in new]

        total: int | None = None
        received = number = 0
        last = False
        while not last:
            rest = total and total - received
            reply = self._api.inventory(location_id, read_rows, received, rest)
            number += 1
            entries = reply.entries
            received += len(entries)
            total = total if reply.total is None else reply.total
            last = total is None or received >= total
            if number > 1 and not entries and not last:
                raise ListingIncomplete(
                    f"{self._api.name} announced {total:,} inventory rows but sent {received:,}."
                )
            yield page_of(number, entries, total=total, requests=reply.requests, last=last)

    def discounts(self) -> Page[Discount]:
        def read_rows(rows: Sequence[object]) -> list[Discount | Rejected]:
            return [catalogue.to_discount(row, self._zone) for row in rows]

        reply = self._api.listed("/discount", "discounts", read_rows)
        return page_of(1, reply.entries, total=reply.total, requests=reply.requests)

    def named(self, kind: NamedKind) -> LookUpResult[tuple[NamedEntry, ...]]:
        path = f"/inventory/{catalogue.NAMED[kind]}"
        reply = self._api.listed(path, kind, partial(catalogue.to_named, kind))
        return LookUpResult(tuple(reply.entries), reply.requests)

    def locations(self) -> LookUpResult[tuple[PublicLocation, ...]]:
        reply = self._api.listed("/location", "locations", catalogue.to_locations)
        return LookUpResult(tuple(reply.entries), reply.requests)

    def login_location(self) -> str | None:
        return self._api.login_location()

    def areas(self, location_id: str) -> LookUpResult[tuple[StockArea, ...]]:
        read_rows = partial(catalogue.to_areas, location_id=location_id)
        reply = self._api.areas(location_id, read_rows)
        return LookUpResult(tuple(reply.entries), reply.requests)

    def batch(self, batch_id: str) -> BatchDetail:
        path = f"/inventory/batch/{quote(batch_id)}"
        return catalogue.to_batch_detail(self._api.record(path, "a batch").data)

    def raw_product(self, product_id: str) -> str:
        return json.dumps({"id_item": product_id})

    def _one(self, path: str, to_record: Callable[[object], R | Rejected], what: str) -> Page[R]:
        try:
            reply = self._api.record(path, what)
        except StatusRefused as error:
            if error.status != NO_SUCH_RECORD:
                raise
            return page_of(1, (), total=0, requests=1)
        return page_of(1, [to_record(reply.data)], total=1, requests=reply.requests)

    def _pages(
        self,
        fetch: Callable[[int], FetchedPage[R | Rejected]],
        what: str,
        expected: int | None = None,
        start: int = START,
    ) -> Generator[Page[R], None, None]:
        def fetch_page(number: int) -> FetchedPage[R | Rejected]:
            found = fetch(number)
            entries: list[R | Rejected] = list(with_raw_cut(found.entries))
            return FetchedPage(entries, found.total, found.requests)

        return list_pages(
            fetch_page,
            _identity,
            provider=self._api.name,
            what=what,
            settings=self._paging,
            expected=expected,
            start_page=start,
        )


def _identity(entry: Customer | Order | Rejected) -> Hashable:
    if isinstance(entry, Rejected):
        return entry.record_id or ("unreadable", hash(entry.raw))
    return entry.id


def _without_repeats(rows: Sequence[object], seen: set[Hashable]) -> list[object]:
    """The stock rows of no earlier reply. Of rows that are equal in this reply only one is kept:
    its stock would count double."""
    new: dict[Hashable, dict[str, object]] = {}
    for row in rows:
        identity = _stock_identity(row)
        if identity not in seen:
            new.setdefault(identity, {})[json.dumps(row)] = row
    seen.update(new)
    return [row for alike in new.values() for row in alike.values()]


def _stock_identity(row: object) -> Hashable:
    """Item, batch and area; the whole row where it lacks one of them."""
    ids = tuple(row.get(key) for key in _STOCK_IDENTITY) if isinstance(row, dict) else (None,)
    return json.dumps(row if None in ids else ids)
