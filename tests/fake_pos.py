"""A point of sale in memory, for tests that are not about what a provider sends."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from shared.domain.customers import Customer
from shared.domain.discounts import Discount, DiscountKind
from shared.domain.inventory import BatchDetail, InventoryRow, StockArea
from shared.domain.metadata import NamedEntry, NamedKind, PublicLocation
from shared.domain.order_windows import DateWindow
from shared.domain.orders import Order
from shared.pos.port import START, LookUpResult, Page, Rejected, page_of
from tests.sample_orders import sample_order

T = TypeVar("T")


class FakePos:
    """An account with one location. ``fail`` is called before each call, with its name: it may
    raise. ``calls`` counts them."""

    changes = None

    def __init__(self, provider: str, location_id: str) -> None:
        self.provider = provider
        self.changes = None
        self.location_id = location_id
        self.fail: Callable[[str], None] = lambda call: None
        self.calls: Counter[str] = Counter()
        self.on_sale: list[Discount] = []
        self.unreadable_orders: list[Rejected] = []
        self._customers: dict[str, Customer] = {}
        self._orders: dict[str, Order] = {}
        self._rows: dict[str, InventoryRow] = {}

    def sell(self, number: int, customer_id: str, product_id: str, at: datetime) -> None:
        """A customer who buys a product, all three new; ids are those of the arguments."""
        self.add_customer(customer_id)
        self.add_product(product_id)
        order = sample_order(
            at,
            external_id=f"{customer_id}-o{number}",
            source=self.provider,
            pos_customer_id=customer_id,
            location_id=self.location_id,
            total_cents=1_000 * number,
        )
        self._orders[order.external_id] = order

    def add_customer(self, customer_id: str, *, email: str = "", last_name: str = "Doe") -> None:
        self._customers[customer_id] = Customer(
            id=customer_id,
            email=email or f"{customer_id}@example.com",
            first_name="Ada",
            last_name=last_name,
            phone=None,
            date_of_birth=None,
            user_id=None,
            loyalty_points=0,
            created_at=datetime(2025, 1, 1, tzinfo=UTC),
            source=self.provider,
        )

    def add_order(self, order: Order) -> None:
        self._orders[order.external_id] = order

    def any_order(self) -> Order:
        """One of its orders."""
        return next(iter(self._orders.values()))

    def add_product(self, product_id: str, *, name: str = "") -> None:
        self._rows[product_id] = InventoryRow(
            item_id=product_id,
            batch_id=f"{product_id}-batch",
            location_id=self.location_id,
            name=name or f"Product {product_id}",
            brand=f"Brand of {self.provider}",
            vendor=f"Vendor of {self.provider}",
            category_path="Vapes",
            strain=None,
            on_hand=Decimal(5),
            available=Decimal(5),
            sellable=True,
            prices=(("price_retail", 1_000),),
            cost_cents=400,
            batch_cost_cents=None,
            thc_percent=None,
            cbd_percent=None,
            date_expire="2099-01-01",
        )

    def drop_product(self, product_id: str) -> None:
        del self._rows[product_id]

    def drop_order(self, order_id: str) -> None:
        del self._orders[order_id]

    @property
    def product_ids(self) -> set[str]:
        return set(self._rows)

    @property
    def customer_ids(self) -> set[str]:
        return set(self._customers)

    @property
    def order_ids(self) -> set[str]:
        """As they are stored."""
        return {order.id for order in self._orders.values()}

    def customers(
        self, *, expected: int | None = None, start: int = START
    ) -> Generator[Page[Customer], None, None]:
        self._called("customers")
        yield _page(self._customers.values())

    def orders(self, window: DateWindow) -> Generator[Page[Order], None, None]:
        self._called("orders")
        day = timedelta(days=1)
        inside = [
            order
            for order in self._orders.values()
            if window.since - day <= order.created_at.date() <= window.until + day
        ]
        yield page_of(1, [*inside, *self.unreadable_orders], total=None, requests=1)

    def customer(self, customer_id: str) -> Page[Customer]:
        self._called("customer")
        return _page(filter(None, [self._customers.get(customer_id)]))

    def order(self, order_id: str) -> Page[Order]:
        self._called("order")
        return _page(filter(None, [self._orders.get(order_id)]))

    def inventory(self, location_id: str) -> Generator[Page[InventoryRow], None, None]:
        self._called("inventory")
        yield _page(self._rows.values())

    def discounts(self) -> Page[Discount]:
        """Of Lightspeed none, without a call."""
        if self.provider == "lightspeed":
            return page_of(1, (), total=0, requests=0)
        self._called("discounts")
        return _page(self.on_sale)

    def named(self, kind: NamedKind) -> LookUpResult[tuple[NamedEntry, ...]]:
        self._called(kind)
        return LookUpResult((NamedEntry("1", f"{kind} of {self.provider}"),), 1)

    def locations(self) -> LookUpResult[tuple[PublicLocation, ...]]:
        self._called("locations")
        fields = {"name": f"Shop of {self.provider}", "timezone": "America/New_York"}
        return LookUpResult((PublicLocation(self.location_id, fields),), 1)

    def login_location(self) -> str | None:
        return None

    def areas(self, location_id: str) -> LookUpResult[tuple[StockArea, ...]]:
        return LookUpResult((), 0)

    def batch(self, batch_id: str) -> BatchDetail:
        return BatchDetail()

    def raw_product(self, product_id: str) -> str:
        return "{}"

    def _called(self, call: str) -> None:
        self.calls[call] += 1
        self.fail(call)


def vapes_off(number: int, ends_at: datetime) -> Discount:
    """20 percent off all vapes until a moment."""
    fields: dict[str, Any] = {"starts_at": None, "categories": frozenset({"Vapes"})}
    return Discount(
        id=str(number),
        kind=DiscountKind.PERCENT,
        value=Decimal(20),
        name=f"Discount {number}",
        ends_at=ends_at,
        product_ids=frozenset(),
        brands=frozenset(),
        priority=1,
        badge_text=None,
        min_quantity=None,
        min_total_cents=None,
        customer_types=frozenset(),
        **fields,
    )


def _page(records: Iterable[T]) -> Page[T]:
    found = tuple(records)
    return page_of(1, found, total=len(found), requests=1)
