"""What one provider's POS has, read anew and mapped to the documents that there should be.

It is read as a sync reads it, through the port, in a session that stores nothing; of the manifests
only the quarantine is used, so that they are verified too.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from contextvars import copy_context
from datetime import datetime, time, timedelta
from sys import intern
from typing import Any

from shared.bus.messages import STREAMS, ComputeSpending
from shared.clock import Clock, Deadline
from shared.domain.catalogue import Product, products_from_rows
from shared.domain.changes import fingerprint
from shared.domain.customers import Customer, identifies
from shared.domain.discounts import Discount, is_over, sale_of
from shared.domain.inventory import items_missing_batches
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order, document_id
from shared.domain.providers import PROVIDERS
from shared.domain.removal import removal_id
from shared.domain.runs import RunState
from shared.errors import ProviderRefused
from shared.pos.paging import ReadAhead
from shared.pos.port import Page, PosClient, Rejected
from shared.services.sync import metadata
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.attempts import NotProvided
from shared.services.sync.gone import of_each
from shared.services.sync.metadata import MenuNames
from shared.services.sync.pos_locations import ConfiguredOrg, OpenOrg, OpenPos, open_org
from shared.services.sync.products import list_stock
from shared.services.sync.records import StreamRecords
from shared.services.sync.session import Session
from shared.services.verification.pos_side import PosCustomer, PosOrder, PosSide
from shared.services.verification.recount import Money, microseconds, since_epoch
from shared.services.verification.result import Progress
from shared.services.verification.stored_side import (
    StoredCustomer,
    StoredReading,
    customer_digest,
    order_digest,
)
from shared.store import customers, inventory, orders, paths, products
from shared.store import discounts as discount_store
from shared.store.database import Database, Put, Write
from shared.store.manifest import REMOVED
from shared.store.runs import Run

DAY = timedelta(days=1)
PAGES_AHEAD = 12
"""Pages of orders that are read while the customers still are."""


class Unstored:
    """A RunWriter that stores nothing, for a session that only reads; and the topic of the spending
    that nobody is to compute for it."""

    unsettled = b""

    def __init__(self, database: Database, org_id: str, now: datetime) -> None:
        self.org_id, self.run_id, self.database = org_id, "verification", database
        self.run = Run(state=RunState.RUNNING, trigger="manual", started_at=now)
        self.puts: dict[str, Put] = {}
        """What a sync would have put, by path, since this was last looked at."""

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        """Nothing is written."""
        self.puts |= {write.path: write for write in writes if isinstance(write, Put)}

    checkpoint = hand_over = end = commit

    def publish(self, messages: Iterable[ComputeSpending]) -> int:
        """Nothing is asked for."""
        return 0


class PosReading:
    """Reads what the org has at one provider: a context manager. ``org`` is open in it."""

    def __init__(
        self,
        database: Database,
        configured: ConfiguredOrg,
        provider: str,
        open_pos: OpenPos,
        *,
        clock: Clock,
        deadline: Deadline,
        began: datetime,
        progress: Progress,
    ) -> None:
        self._unstored = nothing = Unstored(database, configured.org_id, began)
        self.session = Session(
            nothing, provider=provider, spending=nothing, clock=clock, deadline=deadline
        )
        self._configured = configured
        self._open_pos = open_pos
        self._began = began
        self._progress = progress
        self.org: OpenOrg

    def __enter__(self) -> "PosReading":
        self.session.__enter__()
        try:
            self.org = open_org(self.session, self._configured, self._open_pos)
        except BaseException:
            self.session.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.session.__exit__()

    @property
    def wanted_from(self) -> int:
        """From when on the org wants orders, in microseconds since 1970."""
        day, zone = self.org.settings.orders_since, self.org.locations[0].zone
        return since_epoch(datetime.combine(day, time.min, zone))

    def read(self, stored: StoredReading) -> PosSide:
        """All of it; the orders matched to the POS's customers, and to what ``stored`` says of
        their user accounts. Raises what the listings raise, and OutOfTime."""
        side = self.new_side()
        ahead = [
            ReadAhead(self.orders_of(client), lambda _: False, PAGES_AHEAD)
            for client in self.org.clients
        ]
        with ThreadPoolExecutor(1, thread_name_prefix="stock") as pool:
            stock = pool.submit(copy_context().run, self.read_catalogue, side)
            try:
                self._read_customers(side)
                self._add_missing(side)
                self._add_stored(side, stored.customers())
                self._read_orders(side, ahead)
            finally:
                for each in ahead:
                    each.close()
            stock.result()
        return side

    def new_side(self) -> PosSide:
        """A side of which nothing is read but what is in quarantine."""
        manifests = self.session.manifests
        return PosSide(
            self.session.provider,
            unsure={
                stream: {*manifests[stream].in_quarantine(), *self._kept(stream)}
                for stream in STREAMS
            },
            kept=self._deleted_and_kept(),
        )

    def _deleted_and_kept(self) -> frozenset[str]:
        if self.org.settings.deleted_customers != "keep":
            return frozenset()
        return frozenset(self.session.manifests["customers"].ids(REMOVED))

    def _kept(self, stream: str) -> list[str]:
        """Ids of the records that the POS does not have and that somebody wants to be kept."""
        if stream not in self.session.progress.refused:
            return []
        return self.session.manifests[stream].missing(held=True)

    def read_catalogue(self, side: PosSide) -> None:
        """What the org sells, and the metadata."""
        self.read_products(side)
        side.metadata = list(self._metadata())

    def read_products(self, side: PosSide) -> None:
        """What the org sells now, and the discounts."""
        session, org = self.session, self.org
        found = self._discounts(side)
        known = inventory.load_batches(session.database, session.org_id, session.provider)
        records = StreamRecords(session, "products")
        check = AccountCheck(session, org.accounts)
        stock = list_stock(session, records, org.locations, known, check)
        listed = products_from_rows(
            stock.rows,
            location_ids_in_order=[each.location_id for each in org.locations],
            markups=org.settings.markups,
        )
        unsure = set(stock.quarantined)
        if "products" in {*session.progress.holds, *session.progress.refused}:
            unsure |= items_missing_batches(known.all(), stock.batches)
        nameless = {product.id for product in listed.products if not product.name}
        side.nameless["products"] = stock.unreadable_ids
        now = session.now()
        side.products = {
            product.id: self._product(product, found, now)
            for product in listed.products
            if product.id not in nameless
        }
        side.unsure["products"] = unsure | self._not_storable(listed.products)
        gone = records.may_be_stored() - side.products.keys() - stock.quarantined
        if session.progress.refused.get("products") == removal_id(side.provider, "products", gone):
            side.unsure["products"] |= gone
        self._progress("products", len(side.products), len(side.products))

    def _metadata(self) -> Iterator[tuple[Put, bool]]:
        """What the documents of the metadata should be, each with whether the POS has changed since
        they were written."""
        session = self.session
        manifest = session.manifests[metadata.STREAM]
        before = dict(manifest.items())
        manifest.forget_fingerprints()
        where = session.database, session.org_id, session.provider
        menu = MenuNames(inventory.load_prices(*where), inventory.load_batches(*where))
        self._unstored.puts.clear()
        with suppress(NotProvided):
            metadata.sync_metadata(session, self.org, menu)
        session.flush()
        for path, put in self._unstored.puts.items():
            kind = path.rpartition("/")[2]
            if path.startswith(f"{paths.metadata(session.org_id)}/"):
                yield put, before.get(kind) != manifest.get(kind)

    def look_up_customers(self, ids: Iterable[str]) -> dict[str, Customer | None]:
        """Single customers; None for one that the POS does not have."""
        found = of_each(self.org.clients, set(ids), lambda client, i: client.customer(i))
        return {i: next(iter(page.records), None) for i, page in found.items() if _is_sure(page)}

    def look_up_orders(self, ids: Iterable[str]) -> dict[str, Order | None]:
        """Single orders, by the ids of their documents; None for one that the POS does not have."""
        prefix = document_id(self.session.provider, "")
        external = {i.removeprefix(prefix): i for i in ids}
        found = of_each(self.org.clients, external.keys(), lambda client, i: client.order(i))
        return {
            external[i]: next(iter(page.records), None)
            for i, page in found.items()
            if _is_sure(page)
        }

    def customer(self, customer: Customer) -> PosCustomer:
        """A customer, as far as it is compared."""
        fields = customers.fields_of(customer, self.session.org_id)
        return PosCustomer(
            customer_digest(fields),
            intern(customer.email) if identifies(customer.email) else None,
            customer.user_id,
            microseconds(customer.created_at),
            customer.version is not None and customer.version >= self._began,
        )

    def order(self, order: Order, owner: str | None) -> PosOrder:
        """An order, as far as it is compared."""
        fields = orders.fields_of(order, owner or "", self.session.org_id)
        at = since_epoch(order.created_at)
        in_shop = order.type.value == "in_store"
        return PosOrder(
            order_digest(fields),
            owner and intern(owner),
            Money(order.total_cents, at, order.status.value, in_shop),
            max(order.version or order.updated_at, order.created_at) >= self._began,
            at < self.wanted_from,
            order.ecom_number,
        )

    def _read_customers(self, side: PosSide) -> None:
        clients = self.org.clients
        expected = self.session.progress.counts.customers // len(clients)
        for client in clients:
            for page in client.customers(expected=expected):
                self._note_rejected(side, "customers", page.rejected)
                for customer in page.records:
                    if customer.id not in side.customers:
                        side.customers[customer.id] = self.customer(customer)
                        if customer.id not in side.unsure["customers"]:
                            side.directory.ids.add(customer.id)
                            side.directory.add(customer.id, customer.email, customer.user_id)
                self._forget(side.customers, page.deleted)
                self._told("customers", len(side.customers), page)

    def _add_missing(self, side: PosSide) -> None:
        """Customers whom the POS's list lacks are stored until it is decided that they are gone:
        orders that name them are theirs."""
        manifest = self.session.manifests["customers"]
        for held in (True, False):
            side.directory.ids.update(manifest.missing(held=held))

    def _add_stored(self, side: PosSide, stored: Mapping[str, StoredCustomer]) -> None:
        """Customers may have user accounts that the POS does not know; and where a POS lists
        only what has changed, orders are matched to whoever is stored with the e-mail."""
        by_query = any(client.changes for client in self.org.clients)
        for customer_id, known in stored.items():
            listed = customer_id in side.customers or customer_id in side.kept
            stray = known.source == side.provider and not listed
            others = known.source in {*PROVIDERS} - {side.provider}
            if not (known.removed or stray or others):
                email = known.email if by_query else None
                side.directory.add(customer_id, email, known.user_id)

    def orders_of(self, client: PosClient) -> Generator[Page[Order], None, None]:
        """The orders that an account has, those of the days that the org wants."""
        if client.changes:
            return client.changes.orders(0)
        tomorrow = self.org.today + DAY
        return client.orders(DateWindow(self.org.settings.orders_since, tomorrow))

    def _read_orders(self, side: PosSide, listings: Sequence[ReadAhead[Order]]) -> None:
        for ahead in listings:
            with closing(ahead):
                for page in ahead:
                    self._note_rejected(side, "orders", page.rejected)
                    for order in page.records:
                        if order.id not in side.orders:
                            owner = side.directory.owner(order)
                            side.orders[order.id] = self.order(order, owner)
                    gone = (document_id(side.provider, each) for each in page.deleted)
                    self._forget(side.orders, gone)
                    self._told("orders", len(side.orders), page)

    def _discounts(self, side: PosSide) -> list[Discount]:
        """As the POS lists them; as they are stored where it gives none."""
        session, now = self.session, self.session.now()
        listed: dict[str, tuple[Discount, str]] = {}
        for client in self.org.account_clients:
            try:
                page = client.discounts()
            except ProviderRefused:
                side.gives_discounts = False
                where = session.database, session.org_id, session.provider
                return discount_store.read_all(*where)
            self._note_rejected(side, "discounts", page.rejected)
            listed = {each.id: (each, client.provider) for each in page.records} | listed
        unsure = side.unsure["discounts"]
        current = {
            key: each
            for key, each in listed.items()
            if not is_over(each[0], now) and key not in unsure
        }
        side.discounts = {
            key: discount_store.fields_of(discount, session.org_id, source)
            for key, (discount, source) in current.items()
        }
        return [discount for discount, _ in current.values()]

    def _product(
        self, product: Product, found: Sequence[Discount], now: datetime
    ) -> dict[str, Any]:
        fields = products.fields_of(product, self.session.org_id, self.session.provider)
        return fields | discount_store.SALE.fields(sale_of(product, found, now))

    def _not_storable(self, listed: Iterable[Product]) -> set[str]:
        """Ids of the products that Firestore does not take as they are."""
        manifest, org_id = self.session.manifests["products"], self.session.org_id
        return {
            product.id
            for product in listed
            if (kept := manifest.quarantined(product.id))
            and kept == fingerprint(products.fields_of(product, org_id, self.session.provider))
        }

    def _note_rejected(self, side: PosSide, stream: str, rejected: Iterable[Rejected]) -> None:
        for each in rejected:
            if each.record_id is None:
                side.nameless[stream] = side.nameless.get(stream, 0) + 1
            else:
                side.unsure[stream].add(each.record_id)

    def _told(self, what: str, done: int, page: Page[Any]) -> None:
        self._progress(what, done, page.total)
        if not page.last:
            self.session.deadline.check()

    @staticmethod
    def _forget(found: dict[str, Any], ids: Iterable[str]) -> None:
        for each in ids:
            found.pop(each, None)


def _is_sure(page: Page[Any]) -> bool:
    """Whether the answer to a look-up could be read."""
    return bool(page.records) or not page.rows
