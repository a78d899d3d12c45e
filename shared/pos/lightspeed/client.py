"""Reading a retailer's account at Lightspeed X-Series."""

import json
from collections.abc import Callable, Generator, Hashable, Mapping
from functools import partial
from threading import Lock
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
from shared.outbound.failures import StatusRefused
from shared.pos.lightspeed import catalogue
from shared.pos.lightspeed.api import LightspeedApi, VersionPage
from shared.pos.lightspeed.sales import SOURCE, ProductName, SaleContext, to_customer, to_order
from shared.pos.paging import FetchedPage, PageSettings, list_pages
from shared.pos.port import START, LookUpResult, Page, Rejected, page_of, with_raw_cut

NO_SUCH_RECORD = 404
_NAMED: Mapping[NamedKind, str] = {
    "brands": "/brands",
    "categories": "/product_categories",
    "vendors": "/suppliers",
}

R = TypeVar("R", Customer, Order)
E = TypeVar("E")


class LightspeedClient:
    """One account at Lightspeed: the PosClient port. ``location_id`` holds for sales that name no
    outlet, ``zone`` for times without one.

    What sales are read with (the registers of eCom orders, the names of products) is asked for
    with the first sale, once.
    """

    def __init__(
        self,
        api: LightspeedApi,
        *,
        zone: ZoneInfo,
        location_id: str,
        clock: Clock,
        paging: PageSettings | None = None,
    ) -> None:
        self.provider = SOURCE
        self._api = api
        self._zone = zone
        self._location_id = location_id
        self._clock = clock
        self._paging = paging or PageSettings()
        self._context: SaleContext | None = None
        self._asking = Lock()

    def customers(
        self, *, expected: int | None = None, start: int = START
    ) -> Generator[Page[Customer], None, None]:
        return self._versions(
            "/customers", "customers", partial(to_customer, zone=self._zone), start
        )

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        def fetch(number: int) -> FetchedPage[Order | Rejected]:
            found = self._api.sales(window, number, self._paging.size, self._to_order())
            return FetchedPage(list(with_raw_cut(found.entries)), found.total, found.requests)

        return list_pages(
            fetch, _identity, provider=self._api.name, what="orders", settings=self._paging
        )

    def customer(self, customer_id: str) -> Page[Customer]:
        each = partial(to_customer, zone=self._zone)
        return self._one(f"/customers/{quote(customer_id, safe='')}", each, "a customer")

    def order(self, order_id: str) -> Page[Order]:
        return self._one(f"/sales/{quote(order_id, safe='')}", self._to_order(), "an order")

    def inventory(self, location_id: str) -> Generator[Page[InventoryRow], None, None]:
        """The products of the account with the stock of one outlet, in one page: a product and its
        stock come in two lists."""
        levels, requests = self._levels(location_id)
        each = partial(catalogue.to_inventory_row, levels=levels, location_id=location_id)
        entries: list[InventoryRow | Rejected] = []
        for page in self._all("/products", "products", each):
            entries += (entry for entry in page.entries if entry is not None)
            requests += page.requests
        yield page_of(1, list(with_raw_cut(entries)), total=None, requests=requests)

    def discounts(self) -> Page[Discount]:
        """None: what the till takes off, its sales say; promotions are not read."""
        return page_of(1, (), total=0, requests=0)

    def named(self, kind: NamedKind) -> LookUpResult[tuple[NamedEntry, ...]]:
        rows, requests = self._rows(_NAMED[kind], kind)
        return LookUpResult(catalogue.to_named(rows), requests)

    def locations(self) -> LookUpResult[tuple[PublicLocation, ...]]:
        rows, requests = self._rows("/outlets", "outlets")
        found = filter(None, map(catalogue.to_location, rows))
        return LookUpResult(tuple(found), requests)

    def login_location(self) -> str | None:
        return None

    def areas(self, location_id: str) -> LookUpResult[tuple[StockArea, ...]]:
        """Lightspeed has none."""
        return LookUpResult((), 0)

    def batch(self, batch_id: str) -> BatchDetail:
        """Lightspeed has none."""
        return BatchDetail()

    def raw_product(self, product_id: str) -> str:
        return json.dumps({"id": product_id})

    def _to_order(self) -> Callable[[object], Order | Rejected]:
        with self._asking:
            if self._context is None:
                self._context = self._ask_context()
        return partial(to_order, context=self._context, now=self._clock())

    def _ask_context(self) -> SaleContext:
        registers, _ = self._rows("/registers", "registers")
        products: dict[str, ProductName] = {}
        for page in self._all("/products", "products", catalogue.to_product_name):
            products.update(filter(None, page.entries))
        online = catalogue.online_registers(registers)
        return SaleContext(self._zone, self._location_id, online, products)

    def _levels(self, location_id: str) -> tuple[dict[str, object], int]:
        """How many of each product an outlet has, and the calls that took."""
        levels: dict[str, object] = {}
        requests = 0
        each = partial(catalogue.to_level, location_id=location_id)
        for page in self._all("/inventory", "inventory", each):
            levels.update(filter(None, page.entries))
            requests += page.requests
        return levels, requests

    def _rows(self, path: str, what: str) -> tuple[list[object], int]:
        """All rows of a list that is short, as sent, and the calls that took."""
        rows: list[object] = []
        requests = 0
        for page in self._all(path, what, _as_sent):
            rows += page.entries
            requests += page.requests
        return rows, requests

    def _all(
        self, path: str, what: str, each: Callable[[object], E], after: int = 0
    ) -> Generator[VersionPage[E], None, None]:
        """The pages of a list behind version ``after``, the empty one at its end included: a page
        may hold fewer rows than were asked for though more follow."""
        while True:
            page = self._api.listed(path, what, after, self._paging.size, each)
            yield page
            if not page.rows:
                return
            after = page.version

    def _versions(
        self, path: str, what: str, each: Callable[[object], R | Rejected], start: int
    ) -> Generator[Page[R], None, None]:
        after = 0 if start == START else start
        for number, found in enumerate(self._all(path, what, each, after), start=1):
            yield page_of(
                number,
                list(with_raw_cut(found.entries)),
                rows=found.rows,
                total=None,
                requests=found.requests,
                last=not found.rows,
                resume=max(found.version, START),
                deleted=found.deleted,
            )

    def _one(self, path: str, to_record: Callable[[object], R | Rejected], what: str) -> Page[R]:
        try:
            reply = self._api.record(path, what)
        except StatusRefused as error:
            if error.status != NO_SUCH_RECORD:
                raise
            return page_of(1, (), total=0, requests=1)
        if isinstance(reply.data, dict) and reply.data.get("deleted_at"):
            return page_of(1, (), total=0, requests=reply.requests)
        return page_of(1, [to_record(reply.data)], total=1, requests=reply.requests)


def _as_sent(row: object) -> object:
    return row


def _identity(entry: Order | Rejected) -> Hashable:
    if isinstance(entry, Rejected):
        return entry.record_id or ("unreadable", hash(entry.raw))
    return entry.id
