"""What is stored of an org, read once and kept as digests: 100,000 orders fit into some 30 MB."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from sys import intern
from typing import Any, NamedTuple

from shared.domain import ecom
from shared.domain.changes import REMOVED_AT
from shared.services.verification.recount import Figures, Money, cents_of, microseconds
from shared.services.verification.result import Progress
from shared.store import customers, discounts, orders, paths, products, spending, verifications
from shared.store.database import Database, Document, Fields

DIGEST_BYTES = 8
AT_ONCE = 3
"""Collections that are read at the same time."""
PRODUCT_FIELDS = (*products.PRODUCT.compared, *discounts.SALE.compared)
STATUS_FROM_POS = "statusFromPos"
ORDER_FIELDS = (
    *(*orders.ORDER.compared, STATUS_FROM_POS, REMOVED_AT),
    *(orders.SUPERSEDED_BY, "saleId"),
)

_CUSTOMER_FIELDS = tuple(n for n in customers.CUSTOMER.compared if n not in customers.CUSTOMER.once)


class StoredCustomer(NamedTuple):
    """A customer's document. ``figures`` and ``segment`` are None where they are not computed."""

    digest: bytes
    source: str | None
    removed: bool
    email: str | None
    user_id: str | None
    created_at: int | None
    figures: Figures | None
    segment: str | None


class StoredOrder(NamedTuple):
    """An order's document. ``money`` is None where no amount or time can be read; ``removed`` at
    the POS; ``superseded`` by its sale. ``from_pos`` is the status that the POS gave it, which
    another program may have changed."""

    digest: bytes
    source: str | None
    owner: str | None
    money: Money | None
    from_pos: str | None
    removed: bool
    superseded: bool

    @property
    def left_out(self) -> bool:
        """Whether it counts for nobody, whatever its status."""
        return self.removed or self.superseded


class StoredProduct(NamedTuple):
    """A product's document, or its copy on the menu; ``provider`` is None for one that no sync
    wrote."""

    digest: bytes
    provider: str | None
    removed: bool


class StoredSpending(NamedTuple):
    """A document of ``customer_spending``."""

    figures: Figures | None
    customer_id: str | None
    email: str | None


class ImportedOrder(NamedTuple):
    """What else an imported order of the web shop says: its number, and the POS's own id of its
    sale, where the export names it."""

    number: str | None
    sale_id: str | None


@dataclass(slots=True)
class StoredSide:
    """Every document of an org that follows from its POS, by id; ``imported`` are those of the
    ``orders`` that are imported and that no sale has superseded."""

    customers: dict[str, StoredCustomer] = field(default_factory=dict)
    orders: dict[str, StoredOrder] = field(default_factory=dict)
    imported: dict[str, ImportedOrder] = field(default_factory=dict)
    products: dict[str, StoredProduct] = field(default_factory=dict)
    menu: dict[str, StoredProduct] = field(default_factory=dict)
    discounts: dict[str, StoredProduct] = field(default_factory=dict)
    spending: dict[str, StoredSpending] = field(default_factory=dict)


class StoredReading:
    """Reads what is stored, beside the POS: a context manager that waits for its threads.
    ``catalogue_only``: customers, orders and spending are left to the readings of a sample, which
    add theirs with ``add_people`` and ``add_orders``."""

    def __init__(
        self, database: Database, org_id: str, progress: Progress, *, catalogue_only: bool = False
    ) -> None:
        self._database = database
        self._org_id = org_id
        self._progress = progress
        self._found = StoredSide()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stored")
        people: list[Callable[[], None]] = [self._customers, self._orders, self._spending]
        scans: list[Callable[[], None]] = [self._products, self._menu, self._discounts]
        if not catalogue_only:
            scans = people + scans
        self._scans = [self._pool.submit(copy_context().run, scan) for scan in scans]

    def __enter__(self) -> "StoredReading":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def customers(self) -> Mapping[str, StoredCustomer]:
        """The customers, once all are read."""
        self._scans[0].result()
        return self._found.customers

    def add_people(self, customer_ids: Sequence[str]) -> None:
        """Read these customers and their own spending documents."""
        org_id, people = self._org_id, self._found.customers
        own = [spending.spending_path(org_id, id_key(i)) for i in customer_ids]
        where = [f"{paths.customers(org_id)}/{i}" for i in customer_ids]
        for path, document in self._database.get_all([*where, *own]).items():
            if document.exists and path in own:
                self._found.spending[document.id] = spending_in(document.fields)
            elif document.exists:
                people[document.id] = customer_in(document.fields)

    def add_orders(self, found: Iterable[Document]) -> None:
        """Add these orders' documents."""
        for document in found:
            if document.exists:
                self._add_order(document.id, document.fields)

    def all(self) -> StoredSide:
        """All of it."""
        wait(self._scans)
        for scan in self._scans:
            scan.result()
        return self._found

    def _customers(self) -> None:
        select = (*customers.CUSTOMER.compared, *customers.SPENDING_FIELDS, "segment", REMOVED_AT)
        where = paths.customers(self._org_id)
        for key, fields in self._read("stored customers", where, select):
            self._found.customers[key] = customer_in(fields)

    def _orders(self) -> None:
        for key, fields in self._read("stored orders", paths.orders(self._org_id), ORDER_FIELDS):
            self._add_order(key, fields)

    def _add_order(self, key: str, fields: Fields) -> None:
        self._found.orders[key] = known = order_in(fields)
        if known.source == ecom.SOURCE and not known.superseded:
            number, sale_id = _text(fields.get("ecomNumber")), _text(fields.get("saleId"))
            self._found.imported[key] = ImportedOrder(number, sale_id)

    def _spending(self) -> None:
        select = (*customers.SPENDING_FIELDS, "customerId", "email")
        where = paths.customer_spending(self._org_id)
        for key, fields in self._read("stored spending", where, select):
            self._found.spending[key] = spending_in(fields)

    def _products(self) -> None:
        select = (*PRODUCT_FIELDS, REMOVED_AT)
        for key, fields in self._read("stored products", paths.products(self._org_id), select):
            self._found.products[key] = product_in(fields)

    def _menu(self) -> None:
        for key, fields in self._read("menu", paths.menu_items(self._org_id), PRODUCT_FIELDS):
            self._found.menu[key] = product_in(fields)

    def _discounts(self) -> None:
        names = discounts.DISCOUNT.compared
        for key, fields in self._read("stored discounts", paths.discounts(self._org_id), names):
            self._found.discounts[key] = discount_in(fields)

    def _read(
        self, what: str, collection: str, select: Sequence[str]
    ) -> Iterator[tuple[str, Fields]]:
        done = 0
        for document in verifications.every(self._database, collection, select):
            yield document.id, document.fields
            done += 1
            if done % verifications.PAGE == 0:
                self._progress(what, done, None)
        self._progress(what, done, done)


def digest(fields: Fields, names: Sequence[str]) -> bytes:
    """A digest of some fields, those without a value left out."""
    given = {n: v for n in names if (v := fields.get(n)) is not None}
    text = json.dumps(given, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


customer_digest = partial(digest, names=_CUSTOMER_FIELDS)
"""Without the fields that keep the value that they have."""
order_digest = partial(digest, names=orders.ORDER.compared)
product_digest = partial(digest, names=PRODUCT_FIELDS)
discount_digest = partial(digest, names=discounts.DISCOUNT.compared)


def customer_in(fields: Fields) -> StoredCustomer:
    """A customer's document, as far as it is compared."""
    return StoredCustomer(
        digest=customer_digest(fields),
        source=_text(fields.get("source")),
        removed=bool(fields.get(REMOVED_AT)),
        email=_text(fields.get("email")),
        user_id=_text(fields.get("userId")),
        created_at=microseconds(fields.get("createdAt")),
        figures=figures_in(fields),
        segment=_text(fields.get("segment")),
    )


def order_in(fields: Fields) -> StoredOrder:
    """An order's document, as far as it is compared."""
    from_pos, status = _text(fields.get(STATUS_FROM_POS)), _text(fields.get("status"))
    cents, at = cents_of(fields.get("total")), microseconds(fields.get("createdAt"))
    in_shop = fields.get("type") == "in_store"
    return StoredOrder(
        digest=order_digest(as_pos_says(fields)),
        source=_text(fields.get("source")),
        owner=_text(fields.get("customerId")),
        money=None if cents is None or at is None else Money(cents, at, status, in_shop),
        from_pos=from_pos or status,
        removed=bool(fields.get(REMOVED_AT)),
        superseded=bool(fields.get(orders.SUPERSEDED_BY)),
    )


def as_pos_says(fields: Fields) -> dict[str, Any]:
    """An order's fields with the status that the POS gave it: another program may give it another
    one, which stays."""
    said = fields.get(STATUS_FROM_POS)
    return {**fields, "status": said} if said else dict(fields)


def product_in(fields: Fields) -> StoredProduct:
    """A product's document, as far as it is compared."""
    ours = fields.get("source") == products.SOURCE
    provider = _text(fields.get("provider")) if ours else None
    return StoredProduct(product_digest(fields), provider, bool(fields.get(REMOVED_AT)))


def discount_in(fields: Fields) -> StoredProduct:
    """A discount's document, as far as it is compared."""
    return StoredProduct(discount_digest(fields), _text(fields.get("source")), removed=False)


def spending_in(fields: Fields) -> StoredSpending:
    """A spending document, as far as it is compared."""
    who, email = _text(fields.get("customerId")), _text(fields.get("email"))
    return StoredSpending(figures_in(fields), who, email)


def figures_in(fields: Fields) -> Figures | None:
    """The figures on a customer's or a spending document; None where any cannot be read."""
    cents, average = cents_of(fields.get("totalSpent")), cents_of(fields.get("avgOrderValue"))
    bought = fields.get("orderCount")
    if cents is None or average is None or not isinstance(bought, int):
        return None
    first, last = (microseconds(fields.get(n)) for n in ("firstOrderDate", "lastOrderDate"))
    return Figures(cents, bought, average, first, last)


def whose(known: StoredCustomer | StoredOrder | StoredProduct) -> str | None:
    """The provider whose sync has written a document; another name, or None, where none has."""
    return known.provider if isinstance(known, StoredProduct) else known.source


def spending_key(key: str) -> str:
    """The key of a spending document, from its id."""
    return key.replace("%2F", "/")


def id_key(customer_id: str) -> str:
    """Id of a customer's own spending document."""
    return spending.id_key(customer_id)


def _text(value: object) -> str | None:
    return intern(value) if type(value) is str else None
