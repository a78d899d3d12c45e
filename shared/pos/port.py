"""The port to a point of sale: typed pages of domain records, what may be made, its webhooks."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.clock import Deadline
from shared.domain.customers import Customer
from shared.domain.discounts import Discount
from shared.domain.inventory import BatchDetail, InventoryRow, StockArea
from shared.domain.metadata import NamedEntry, NamedKind, PublicLocation
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order
from shared.domain.write_back import NewCustomer, NewOrder, OrderLine, PlacedOrder

RAW_LIMIT = 200_000
"""Characters of a raw record that are kept: a stored document may have 1 MiB."""
PAGE_RAW_LIMIT = 2_000_000
"""Characters of the raw records of one page together: several pages are in memory at once."""
SHORTEST_RAW = 200
START = 1
"""Where a listing begins."""

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be mapped. ``record_id`` is the id that it would have; ``raw`` its
    JSON text, up to RAW_LIMIT, kept in quarantine."""

    record_id: str | None
    code: str
    message: str
    raw: str


def with_raw_cut(entries: Iterable[R | Rejected]) -> Iterator[R | Rejected]:
    """The entries of a page, the raw records cut so that they keep to PAGE_RAW_LIMIT."""
    left = PAGE_RAW_LIMIT
    for entry in entries:
        if isinstance(entry, Rejected):
            raw = entry.raw[: max(left, SHORTEST_RAW)]
            left -= len(raw)
            yield replace(entry, raw=raw)
        else:
            yield entry


@dataclass(frozen=True, slots=True)
class Page(Generic[R_co]):
    """One page of a listing, in the order the POS lists it.

    ``total`` is the whole listing's number of records, where the POS says so. ``rows`` counts what
    the page carried, mapped or not, without the repeats of earlier pages; ``requests`` the calls
    it took, retries included. ``last`` marks the listing's end; ``resume`` is where it goes on
    behind this page. ``deleted`` are ids of records that are no more, where the POS says so.
    """

    number: int
    records: tuple[R_co, ...]
    rejected: tuple[Rejected, ...]
    rows: int
    total: int | None
    requests: int
    last: bool
    resume: int = 0
    deleted: tuple[str, ...] = ()


def page_of(
    number: int,
    entries: Sequence[R | Rejected],
    *,
    total: int | None,
    requests: int,
    rows: int | None = None,
    last: bool = True,
    resume: int | None = None,
    deleted: Iterable[str] = (),
) -> Page[R]:
    """The page with its records apart from what could not be one; ``rows`` unless all are new;
    ``resume`` unless it is the next page's number."""
    return Page(
        number,
        records=tuple(entry for entry in entries if not isinstance(entry, Rejected)),
        rejected=tuple(entry for entry in entries if isinstance(entry, Rejected)),
        rows=len(entries) if rows is None else rows,
        total=total,
        requests=requests,
        last=last,
        resume=number + 1 if resume is None else resume,
        deleted=tuple(deleted),
    )


@dataclass(frozen=True, slots=True)
class LookUpResult(Generic[R_co]):
    """What one look-up found, and how many calls it took."""

    value: R_co
    requests: int


@dataclass(frozen=True, slots=True)
class ChangeListings:
    """Of a POS that numbers all changes of an account: what has changed since a version. Such a POS
    lists its customers in that order too: ``start`` of PosClient.customers and ``resume`` of their
    pages are versions.

    ``account`` tells accounts apart and holds no secret. ``orders`` lists those that changed after
    a version, 0 for all, in pages as those of the customers. ``stock_changed`` is whether the lists
    that ``inventory`` is made of have changed since these versions of them, at the price of a call
    each; ``stock_versions`` are those that ``inventory`` has listed, to be kept for that.
    """

    account: str
    orders: Callable[[int], Generator[Page[Order], None, None]]
    stock_changed: Callable[[Mapping[str, int]], LookUpResult[bool]]
    stock_versions: Callable[[], Mapping[str, int]]


class PosClient(Protocol):
    """A POS account. Listings are lazy, keep several pages in flight, and yield in page order.

    Every method raises OrgError where the org must act and ProviderError where the POS must
    recover, ListingIncomplete among them: a listing that ends without an error was complete.
    """

    @property
    def provider(self) -> str:
        """Name of the provider: ``alleaves``, ``lightspeed``."""

    @property
    def changes(self) -> ChangeListings | None:
        """What has changed since a version; None for a POS that cannot be asked that."""

    def customers(
        self, *, expected: int | None = None, start: int = START
    ) -> Generator[Page[Customer], None, None]:
        """Every customer of the account, from where ``start`` says, the ``resume`` of a page, on.
        ``expected``, a guess of their number, only steers how many pages to ask for ahead."""

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        """The orders created within the window."""

    def customer(self, customer_id: str) -> Page[Customer]:
        """One customer, as a listing of one; empty where the POS has none of that id."""

    def order(self, order_id: str) -> Page[Order]:
        """One order, by the POS's own id, as a listing of one; empty where there is none."""

    def inventory(self, location_id: str) -> Generator[Page[InventoryRow], None, None]:
        """The stock rows of one location, by the POS's location id."""

    def discounts(self) -> Page[Discount]:
        """The account's discounts, running or not."""

    def named(self, kind: NamedKind) -> LookUpResult[tuple[NamedEntry, ...]]:
        """The brands, categories or vendors that the account knows."""

    def locations(self) -> LookUpResult[tuple[PublicLocation, ...]]:
        """The account's locations, without anything that is not public."""

    def login_location(self) -> str | None:
        """The POS's id of the location that the login belongs to, where the POS says so."""

    def areas(self, location_id: str) -> LookUpResult[tuple[StockArea, ...]]:
        """The areas that the stock of one location lies in, by the POS's location id."""

    def batch(self, batch_id: str) -> BatchDetail:
        """What the POS knows of a single batch."""

    def raw_product(self, product_id: str) -> str:
        """JSON that names a product as the POS does, for a Rejected without a row. No call."""


class PosWriter(Protocol):
    """What may be made at a POS: customers and orders, never prices or stock.

    Each such call is sent once. After a ProviderError other than ProviderRefused it may have been
    done: look before asking again.
    """

    def create_customer(self, customer: NewCustomer) -> str:
        """Make a customer; the POS's id."""

    def find_customer(self, customer: NewCustomer, deadline: Deadline) -> str | None:
        """Id of the customer with the same e-mail, or without one the same telephone number.
        Raises OutOfTime where the deadline passes before all are seen."""

    def open_order(self, order: NewOrder, external_id: str) -> str:
        """Make an order without lines, under an id of our own; the POS's id."""

    def find_order(
        self, order: NewOrder, external_id: str, window: DateWindow, deadline: Deadline
    ) -> str | None:
        """The POS's id of the order made under an id of our own within the window, if any.
        Raises ReplyUnreadable where the POS does not say, OutOfTime as ``find_customer``."""

    def add_line(self, order_id: str, line: OrderLine) -> None:
        """Add a line to an order."""

    def give_discount(self, order_id: str, discount_id: str) -> None:
        """Give an order a discount of the account."""

    def placed(self, order_id: str) -> PlacedOrder:
        """An order as it stands at the POS."""


@dataclass(frozen=True, slots=True)
class PosEvent:
    """A webhook: which records changed, never what they now are. ``kind`` is the POS's own name for
    it; an event of an unknown kind names no records. ``id`` is the event's own, ``sent_at`` (aware
    UTC) when it was sent, where the POS says so."""

    kind: str
    id: str | None = None
    sent_at: datetime | None = None
    customer_ids: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()

    @property
    def names_records(self) -> bool:
        """Whether there is anything to fetch."""
        return bool(self.customer_ids or self.order_ids or self.product_ids)
