"""Sales of Lightspeed X-Series as orders, and its customers.

A sale has a state and attributes; the fourteen older values of ``status`` say the same in one word
(https://x-series-api.lightspeedhq.com/docs/sales_statuses).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.domain.customers import NO_EMAIL, Customer, normal_email
from shared.domain.money import round_half_up
from shared.domain.orders import Channel, Order, OrderItem, OrderStatus, OrderType, document_id
from shared.pos.lightspeed.schemas import CustomerRow, LineRow, SaleRow
from shared.pos.port import Rejected
from shared.pos.rows import cents, day, moment, number, read_row, reject

SOURCE = "lightspeed"
"""Names the provider in what is stored."""
PLACEHOLDER_EMAIL = f"{NO_EMAIL}lightspeed.local"
"""Stored for a customer without an e-mail."""
FILLERS = ("noemail", "no-email", "placeholder", "customer@")
"""Beginnings of addresses that are typed in where a customer gives none."""
FUTURE_TOLERATED = timedelta(days=1)
"""Clocks and calendars differ; a moment further ahead is a mistake."""

_STATE_OF_STATUS: Mapping[str, tuple[str, frozenset[str]]] = {
    "SAVED": ("parked", frozenset()),
    "OPEN": ("pending", frozenset()),
    "CLOSED": ("closed", frozenset()),
    "VOIDED": ("voided", frozenset()),
    "ONACCOUNT": ("pending", frozenset({"onaccount"})),
    "ONACCOUNT_CLOSED": ("closed", frozenset({"onaccount"})),
    "LAYBY": ("pending", frozenset({"layby"})),
    "LAYBY_CLOSED": ("closed", frozenset({"layby"})),
    "AWAITING_DISPATCH": ("pending", frozenset({"delivery"})),
    "DISPATCHED_CLOSED": ("closed", frozenset({"delivery"})),
    "AWAITING_PICKUP": ("pending", frozenset({"pickup"})),
    "PICKED_UP_CLOSED": ("closed", frozenset({"pickup"})),
    "SERVICE": ("pending", frozenset({"service"})),
    "SERVICE_CLOSED": ("closed", frozenset({"service"})),
}
_STATUS_OF_STATE = {(state, marks): status for status, (state, marks) in _STATE_OF_STATUS.items()}
_HANDED_OVER_LATER = frozenset({"pickup", "delivery"})
_ECOM_SOURCE = "ecw:"
_ECOM_NUMBER = re.compile(r"[0-9]{1,12}")
_ECOM_NOTE = re.compile(r"\border id:\s*([0-9]{1,12})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProductName:
    """What a line does not say of its product."""

    name: str
    category: str | None


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as its row alone says: without the names of its products, and without the channel that
    its register tells."""

    order: Order
    register_id: str | None

    @property
    def product_ids(self) -> set[str]:
        return {item.product_id for item in self.order.items if item.product_id}


def to_order(
    sale: Sale, online_registers: Collection[str], products: Mapping[str, ProductName]
) -> Order:
    """The order of a sale: one of the web shop where its register is, its products named."""
    order = sale.order
    online = order.channel is Channel.ECOM or sale.register_id in online_registers
    return replace(
        order,
        channel=Channel.ECOM if online else Channel.RETAIL,
        items=tuple(_named(item, products) for item in order.items),
    )


def _named(item: OrderItem, products: Mapping[str, ProductName]) -> OrderItem:
    product = products.get(item.product_id or "")
    return replace(item, name=product.name, category=product.category) if product else item


def to_customer(row: object, zone: ZoneInfo) -> Customer | Rejected:
    """The customer of a row. Only an unusable id rejects a customer: anything else that cannot be
    read counts as not given."""
    wire = read_row(CustomerRow, without_notes(row))
    if isinstance(wire, Rejected):
        return wire
    first, last = wire.first_name or "", wire.last_name or ""
    if not (first or last):
        first, _, last = (wire.full_name or "").partition(" ")
    email = normal_email(wire.email)
    return Customer(
        id=wire.id,
        email=PLACEHOLDER_EMAIL if not email or email.startswith(FILLERS) else email,
        first_name=first,
        last_name=last.strip(),
        phone=wire.mobile or wire.phone,
        date_of_birth=day(wire.date_of_birth),
        user_id=None,
        loyalty_points=round_half_up(number(wire.loyalty_balance) or Decimal(0)),
        created_at=moment(wire.created_at, zone),
        source=SOURCE,
        version=moment(wire.updated_at, zone),
    )


def read_sale(row: object, zone: ZoneInfo, location_id: str, *, now: datetime) -> Sale | Rejected:
    """The sale of a row, read at ``now``. Amounts include tax; those of a return are negative.
    ``zone`` holds for times without one, ``location_id`` for a sale without an outlet.

    Rejected without an id, a total (``bad_money``) or a time of creation that is not beyond a day
    ahead (``bad_time``): it would count wrongly. Other unreadable values count as not given.
    """
    note = row.get("note") if isinstance(row, dict) else None
    row = without_notes(row)
    wire = read_row(SaleRow, row, partial(document_id, SOURCE))
    if isinstance(wire, Rejected):
        return wire
    order_id = document_id(SOURCE, wire.id)
    total = _total(wire)
    if total is None:
        return reject(row, order_id, "bad_money", "The sale has no readable total.")
    created_at = moment(wire.created_at, zone) or moment(wire.sale_date, zone)
    if created_at is None or created_at - now > FUTURE_TOLERATED:
        problem = "no readable time of creation" if created_at is None else "a time in the future"
        return reject(row, order_id, "bad_time", f"The sale has {problem}.")
    updated_at = moment(wire.updated_at, zone)
    state, marks = _state(wire)
    returned = wire.return_for is not None
    tax = cents(wire.total_tax)
    ecom_number = _ecom_number(wire, note)
    order = Order(
        external_id=wire.id,
        source=SOURCE,
        pos_customer_id=wire.customer_id,
        user_id=None,
        email=None,
        customer_name="",
        phone=None,
        location_id=wire.outlet_id or location_id,
        status=_order_status(state, marks),
        pos_status=wire.status or _STATUS_OF_STATE.get((state, marks), state.upper() or None),
        type=_type(marks),
        channel=Channel.RETAIL if ecom_number is None else Channel.ECOM,
        items=tuple(item for line in wire.lines if (item := _item(line))),
        total_cents=-abs(total) if returned else total,
        subtotal_cents=_signed(cents(wire.total_price), returned),
        tax_cents=_signed(tax, returned),
        discount_cents=_discount(wire),
        created_at=created_at,
        updated_at=updated_at or created_at,
        version=updated_at,
        ecom_number=ecom_number or None,
    )
    return Sale(order, wire.register_id)


def _total(wire: SaleRow) -> int | None:
    with_tax = cents(wire.total_price_incl)
    if with_tax is not None:
        return with_tax
    net = cents(wire.total_price)
    return None if net is None else net + (cents(wire.total_tax) or 0)


def _state(wire: SaleRow) -> tuple[str, frozenset[str]]:
    """The state in lower case and the attributes; those of the older ``status`` where the row has
    no state."""
    if wire.state:
        marks = frozenset(each.lower() for each in wire.attributes if isinstance(each, str))
        return wire.state.lower(), marks
    return _STATE_OF_STATUS.get((wire.status or "").upper(), ("", frozenset()))


def _order_status(state: str, marks: Collection[str]) -> OrderStatus:
    """A sale that is paid but not handed over is ready: its money is taken. What is parked, on
    lay-by or on account is pending until it is closed."""
    match state:
        case "closed":
            return OrderStatus.COMPLETED
        case "voided":
            return OrderStatus.CANCELLED
        case "pending" if _HANDED_OVER_LATER.intersection(marks):
            return OrderStatus.READY
        case _:
            return OrderStatus.PENDING


def _type(marks: Collection[str]) -> OrderType:
    if "delivery" in marks:
        return OrderType.DELIVERY
    return OrderType.PICKUP if "pickup" in marks else OrderType.IN_STORE


def _ecom_number(wire: SaleRow, note: object) -> str | None:
    """The number of the eCom order that a sale is, "" where it is one without a number, None where
    nothing in the row says that it is one."""
    noted = _ECOM_NOTE.search(note) if isinstance(note, str) else None
    by_source = (wire.source or "").lower().startswith(_ECOM_SOURCE)
    if by_source and wire.source_id and _ECOM_NUMBER.fullmatch(wire.source_id):
        return wire.source_id
    if noted:
        return noted.group(1) or ""
    return "" if by_source else None


def _signed(amount: int | None, returned: bool) -> int | None:
    return -abs(amount) if returned and amount is not None else amount


def _discount(wire: SaleRow) -> int | None:
    """The discounts of all lines together; None where no line has one."""
    lines = (line for line in wire.lines if isinstance(line, dict))
    given = (cents(line.get("total_discount", line.get("discount_total"))) for line in lines)
    found = [amount for amount in given if amount]
    return sum(found) if found else None


def _item(line: object) -> OrderItem | None:
    """A line of the sale at its price with tax; None where it is no object, or was taken back
    before the sale was closed. Its figures are not summed anywhere, so an unreadable one is 0."""
    try:
        wire = LineRow.model_validate(line)
    except ValidationError:
        return None
    if (wire.status or "").upper() == "VOIDED":
        return None
    return OrderItem(
        product_id=wire.product_id,
        name="",
        category=None,
        quantity=number(wire.quantity) or Decimal(0),
        price_cents=(cents(wire.price) or 0) + (cents(wire.tax) or 0),
    )


def without_notes(row: object) -> object:
    """The row as it may be kept in quarantine: the notes of a customer, a sale and its lines hold
    addresses and the like."""
    if not isinstance(row, dict):
        return row
    own = {key: value for key, value in row.items() if key != "note"}
    lines = own.get("line_items")
    if isinstance(lines, list):
        own["line_items"] = [without_notes(line) for line in lines]
    return own
