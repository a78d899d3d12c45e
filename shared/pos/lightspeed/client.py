"""Reading a retailer's account at Lightspeed X-Series."""

import json
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
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
from shared.pos.lightspeed.sales import (
    SOURCE,
    ProductName,
    Sale,
    read_sale,
    to_customer,
    to_order,
)
from shared.pos.lightspeed.schemas import ProductRow
from shared.pos.paging import FetchedPage, PageSettings, list_pages
from shared.pos.port import (
    START,
    ChangeListings,
    LookUpResult,
    Page,
    Rejected,
    page_of,
    with_raw_cut,
)

NO_SUCH_RECORD = 404
NAMED_ONE_BY_ONE = 6
"""Products of which sales need the names; where there are more, all are listed."""
_NAMED: Mapping[NamedKind, str] = {
    "brands": "/brands",
    "categories": "/product_categories",
    "vendors": "/suppliers",
}
PRODUCTS, INVENTORY = "products", "inventory"

R = TypeVar("R", Customer, Order)
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class ListedStock:
    """Products, and how many of each an outlet has as sent, by outlet and product. ``versions`` are
    those at which their lists ended."""

    products: Sequence[ProductRow | Rejected]
    levels: Mapping[tuple[str, str], object]
    versions: Mapping[str, int]


class LightspeedClient:
    """One account at Lightspeed: the PosClient port. ``location_id`` holds for sales that name no
    outlet, ``zone`` for times without one.

    To be opened for each run. What sales are read with (the registers of eCom orders, the names of
    products) is asked for with the first sale that needs it, once, and so is the stock of all
    outlets with that of the first.
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
        self.changes = ChangeListings(
            api.account, self._orders_after, self._stock_changed, self._stock_versions
        )
        self._api = api
        self._paging = paging or PageSettings()
        self._to_customer = partial(to_customer, zone=zone)
        self._read_sale: Callable[[object], Sale | Rejected] = lambda row: read_sale(
            row, zone, location_id, now=clock()
        )
        self._asking = Lock()
        self._listing = Lock()
        self._registers: frozenset[str] | None = None
        self._names: dict[str, ProductName | None] = {}
        self._all_named = False
        self._stock: ListedStock | None = None

    def customers(
        self, *, expected: int | None = None, start: int = START
    ) -> Generator[Page[Customer], None, None]:
        """``start`` and ``resume`` are versions."""
        after = 0 if start == START else start
        for number, found in enumerate(
            self._all("/customers", "customers", self._to_customer, after), 1
        ):
            yield _page(number, found, found.entries)

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        """Without those that are deleted: search does not list them."""

        size = given = self._paging.size

        def fetch(number: int) -> FetchedPage[Order | Rejected]:
            nonlocal given
            found = self._api.sales(window, (number - 1) * given, size, self._read_sale)
            if number == 1:
                # Offsets count rows: a POS that gives fewer at once than it is asked for says so.
                given = len(found.entries) if 0 < len(found.entries) < (found.total or 0) else size
                given = min(given, size)
            orders, requests = self._to_orders(found.entries)
            return FetchedPage(list(with_raw_cut(orders)), found.total, found.requests + requests)

        return list_pages(
            fetch, _identity, provider=self._api.name, what="orders", settings=self._paging
        )

    def customer(self, customer_id: str) -> Page[Customer]:
        return self._one(
            f"/customers/{quote(customer_id, safe='')}", self._to_customer, "a customer"
        )

    def order(self, order_id: str) -> Page[Order]:
        found = self._one(f"/sales/{quote(order_id, safe='')}", self._read_sale, "an order")
        orders, requests = self._to_orders([*found.records, *found.rejected])
        return page_of(1, orders, total=found.total, requests=found.requests + requests)

    def inventory(self, location_id: str) -> Generator[Page[InventoryRow], None, None]:
        """The products of the account with the stock of one outlet, in one page."""
        stock, requests = self._listed_stock()
        entries: list[InventoryRow | Rejected] = []
        for product in stock.products:
            if isinstance(product, Rejected):
                entries.append(product)
                continue
            level = stock.levels.get((location_id, product.id), 0)
            entry = catalogue.to_inventory_row(product, level, location_id)
            if entry is not None:
                entries.append(entry)
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

    def _orders_after(self, version: int) -> Generator[Page[Order], None, None]:
        pages = self._all("/sales", "sales", self._read_sale, version)
        for number, found in enumerate(pages, start=1):
            orders, requests = self._to_orders(found.entries)
            yield _page(number, found, orders, requests)

    def _stock_changed(self, known: Mapping[str, int]) -> LookUpResult[bool]:
        requests = 0
        for what in (PRODUCTS, INVENTORY):
            if what not in known:
                return LookUpResult(True, requests)
            page = self._api.listed(f"/{what}", what, known[what], 1, _as_sent, deleted_too=True)
            requests += page.requests
            if page.rows:
                return LookUpResult(True, requests)
        return LookUpResult(False, requests)

    def _stock_versions(self) -> Mapping[str, int]:
        return self._stock.versions if self._stock else {}

    def _to_orders(self, sales: Sequence[Sale | Rejected]) -> tuple[list[Order | Rejected], int]:
        """The orders of sales, and the calls that what they are read with took."""
        read = [sale for sale in sales if isinstance(sale, Sale)]
        if not read:
            return [sale for sale in sales if isinstance(sale, Rejected)], 0
        with self._asking:
            requests = self._ask_registers()
            requests += self._ask_names({i for sale in read for i in sale.product_ids})
            registers = self._registers or frozenset()
            names = {i: name for i, name in self._names.items() if name}
        orders = [
            to_order(sale, registers, names) if isinstance(sale, Sale) else sale for sale in sales
        ]
        return orders, requests

    def _ask_registers(self) -> int:
        """Learn which registers are those of eCom orders; the calls that took."""
        if self._registers is not None:
            return 0
        rows, requests = self._rows("/registers", "registers")
        self._registers = catalogue.online_registers(rows)
        return requests

    def _ask_names(self, product_ids: set[str]) -> int:
        """Learn the names of products, deleted ones too; the calls that took."""
        missing = sorted(product_ids - self._names.keys())
        requests = 0
        if len(missing) > NAMED_ONE_BY_ONE and not self._all_named:
            pages = self._all("/products", PRODUCTS, catalogue.to_product_name, deleted_too=True)
            for page in pages:
                self._names.update(filter(None, page.entries))
                requests += page.requests
            self._all_named = True
        elif not self._all_named:
            for product_id in missing:
                found, calls = self._record(f"/products/{quote(product_id, safe='')}", "a product")
                named = catalogue.to_product_name(found)
                self._names[product_id] = named[1] if named else None
                requests += calls
        return requests

    def _listed_stock(self) -> tuple[ListedStock, int]:
        """The stock of all outlets, and the calls that took: none but the first time."""
        with self._listing:
            if self._stock is not None:
                return self._stock, 0
            products: dict[Hashable, ProductRow | Rejected] = {}
            levels: dict[tuple[str, str], object] = {}
            versions = {PRODUCTS: 0, INVENTORY: 0}
            requests = 0
            for page in self._all("/inventory", INVENTORY, catalogue.to_level):
                rows = (row for row in page.entries if row and row.outlet_id)
                levels.update(
                    ((row.outlet_id or "", row.product_id), 0 if row.level is None else row.level)
                    for row in rows
                )
                versions[INVENTORY], requests = page.version, requests + page.requests
            # A product that changes meanwhile is listed again: its last row holds.
            for found in self._all("/products", PRODUCTS, catalogue.to_product):
                products.update((_product_identity(each), each) for each in found.entries)
                for product_id in found.deleted:
                    products.pop(product_id, None)
                versions[PRODUCTS], requests = found.version, requests + found.requests
            self._stock = ListedStock(tuple(products.values()), levels, versions)
            return self._stock, requests

    def _rows(self, path: str, what: str) -> tuple[list[object], int]:
        """All rows of a list that is short, as sent, and the calls that took."""
        rows: list[object] = []
        requests = 0
        for page in self._all(path, what, _as_sent):
            rows += page.entries
            requests += page.requests
        return rows, requests

    def _all(
        self,
        path: str,
        what: str,
        each: Callable[[object], E],
        after: int = 0,
        *,
        deleted_too: bool = False,
    ) -> Generator[VersionPage[E], None, None]:
        """The pages of a list behind version ``after``, the empty one at its end included: a page
        may hold fewer rows than were asked for though more follow."""
        size = self._paging.size
        while True:
            page = self._api.listed(path, what, after, size, each, deleted_too=deleted_too)
            yield page
            if not page.rows:
                return
            after = page.version

    def _record(self, path: str, what: str) -> tuple[object, int]:
        """A record, None where there is none of that id, and the calls that took."""
        try:
            reply = self._api.record(path, what)
        except StatusRefused as error:
            if error.status != NO_SUCH_RECORD:
                raise
            return None, 1
        return reply.data, reply.requests

    def _one(self, path: str, read: Callable[[object], E | Rejected], what: str) -> Page[E]:
        found, requests = self._record(path, what)
        if found is None or (isinstance(found, dict) and found.get("deleted_at")):
            return page_of(1, (), total=0, requests=requests)
        return page_of(1, [read(found)], total=1, requests=requests)


def _page(
    number: int, found: VersionPage[E], entries: Sequence[R | Rejected], requests: int = 0
) -> Page[R]:
    return page_of(
        number,
        list(with_raw_cut(entries)),
        rows=found.rows,
        total=None,
        requests=found.requests + requests,
        last=not found.rows,
        resume=max(found.version, START),
        deleted=found.deleted,
    )


def _as_sent(row: object) -> object:
    return row


def _product_identity(product: ProductRow | Rejected) -> Hashable:
    if isinstance(product, Rejected):
        return product.record_id or ("unreadable", hash(product.raw))
    return product.id


def _identity(entry: Order | Rejected) -> Hashable:
    if isinstance(entry, Rejected):
        return entry.record_id or ("unreadable", hash(entry.raw))
    return entry.external_id
