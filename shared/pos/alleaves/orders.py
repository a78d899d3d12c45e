"""Orders of Alleaves, and its customers, as domain records."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.domain.customers import NO_EMAIL, Customer, normal_email
from shared.domain.money import round_half_up
from shared.domain.orders import Channel, Order, OrderItem, OrderStatus, OrderType, document_id
from shared.domain.preferences import Preferences, summarised_preferences
from shared.pos.alleaves.parse import SOURCE
from shared.pos.alleaves.schemas import CustomerRow, ItemRow, OrderRow
from shared.pos.port import Rejected
from shared.pos.rows import cents, day, moment, number, read_row, reject

PLACEHOLDER_EMAIL = f"{NO_EMAIL}alleaves.local"
"""Stored for a customer without an e-mail, as Alleaves itself does in orders."""
LONGEST_CATEGORY = 200
"""Characters of a favourite category."""
FUTURE_TOLERATED = timedelta(days=1)
"""Clocks and calendars differ; a moment further ahead is a mistake."""
_STATUS = {status.value: status for status in OrderStatus} | {
    "processing": OrderStatus.PREPARING,
    "delivered": OrderStatus.COMPLETED,
    "canceled": OrderStatus.CANCELLED,
    "voided": OrderStatus.CANCELLED,
    "void": OrderStatus.CANCELLED,
}
_REFUNDED = frozenset({"refunded", "refund", "returned", "return"})
_TYPE = {
    "delivery": OrderType.DELIVERY,
    "pickup": OrderType.PICKUP,
    "curbside": OrderType.PICKUP,
    "drive_through": OrderType.PICKUP,
}


def to_customer(row: object, zone: ZoneInfo) -> Customer | Rejected:
    """The customer of a row; ``zone`` holds for times without one. Only an unusable id rejects a
    customer: anything else that cannot be read counts as not given."""
    wire = read_row(CustomerRow, row)
    if isinstance(wire, Rejected):
        return wire
    first, last = wire.first_name or "", wire.last_name or ""
    if not (first or last):
        first, _, last = (wire.full_name or "").partition(" ")
    points = number(wire.loyalty_points) or Decimal(0)
    return Customer(
        id=wire.id,
        email=normal_email(wire.email) or PLACEHOLDER_EMAIL,
        first_name=first,
        last_name=last.strip(),
        phone=wire.phone,
        date_of_birth=day(wire.date_of_birth),
        user_id=wire.user_id,
        loyalty_points=round_half_up(points),
        created_at=moment(wire.created_at, zone),
        source=SOURCE,
        version=moment(wire.updated_at, zone),
        preferences=_summarised(wire),
    )


def to_order(row: object, zone: ZoneInfo, location_id: str, *, now: datetime) -> Order | Rejected:
    """The order of a row, read at ``now``; ``zone`` holds for times without one, ``location_id``
    where the row names no location.

    A refund is a completed order with a negative total; its other amounts are negative too.
    Rejected without an id, a total (``bad_money``) or a time of creation that is not beyond a day
    ahead (``bad_time``): it would count wrongly. Other unreadable values count as not given.
    """
    wire = read_row(OrderRow, row, partial(document_id, SOURCE))
    if isinstance(wire, Rejected):
        return wire
    total = cents(wire.total)
    order_id = document_id(SOURCE, wire.id)
    if total is None:
        return reject(row, order_id, "bad_money", "The order has no readable total.")
    created_at = moment(wire.created_at, zone)
    if created_at is None:
        return reject(row, order_id, "bad_time", "The order has no readable time of creation.")
    if created_at - now > FUTURE_TOLERATED:
        return reject(row, order_id, "bad_time", "The order's time of creation is in the future.")
    updated_at = moment(wire.updated_at, zone)
    name = " ".join(filter(None, (wire.first_name, wire.last_name)))
    kind = _TYPE.get(_word(wire.type), OrderType.IN_STORE)
    status = _status(wire, kind)
    refund = _word(wire.status) in _REFUNDED or (total < 0 and status is not OrderStatus.CANCELLED)
    return Order(
        external_id=wire.id,
        source=SOURCE,
        pos_customer_id=wire.customer_id,
        user_id=wire.user_id,
        email=wire.email.lower() if wire.email else None,
        customer_name=name or wire.full_name or "",
        phone=wire.phone,
        location_id=wire.location_id or location_id,
        status=OrderStatus.COMPLETED if refund else status,
        pos_status=wire.status,
        type=kind,
        channel=Channel.RETAIL if kind is OrderType.IN_STORE else Channel.ECOM,
        items=tuple(item for line in wire.items if (item := _item(line))),
        total_cents=-abs(total) if refund else total,
        subtotal_cents=_part(wire.subtotal, refund=refund),
        tax_cents=_part(wire.tax, refund=refund),
        discount_cents=_part(wire.discount, refund=refund),
        created_at=created_at,
        updated_at=updated_at or created_at,
        version=updated_at,
    )


def _summarised(wire: CustomerRow) -> Preferences | None:
    """What the row's own totals say of the customer's taste: most rows have none."""
    orders = wire.order_count if wire.total_orders is None else wire.total_orders
    favorite = wire.favorite_category
    if not orders and not favorite:
        return None
    category = favorite if isinstance(favorite, str) and favorite.isprintable() else ""
    return summarised_preferences(
        category if len(category) <= LONGEST_CATEGORY else None,
        spent_cents=cents(wire.total_spent),
        order_count=int(number(orders) or 0),
    )


def _word(text: str | None) -> str:
    return (text or "").lower().replace(" ", "_").replace("-", "_")


def _status(wire: OrderRow, kind: OrderType) -> OrderStatus:
    if wire.status:
        return _STATUS.get(_word(wire.status), OrderStatus.PENDING)
    # The till writes no status: a sale over the counter is over once it is recorded.
    over = kind is OrderType.IN_STORE or wire.complete
    return OrderStatus.COMPLETED if over else OrderStatus.PENDING


def _part(value: object, *, refund: bool) -> int | None:
    amount = cents(value)
    return -abs(amount) if refund and amount is not None else amount


def _item(line: object) -> OrderItem | None:
    """A line of the order; None where it is no object or holds unstorable text. Its figures are
    not summed anywhere, so an unreadable one is 0."""
    try:
        wire = ItemRow.model_validate(line)
    except ValidationError:
        return None
    return OrderItem(
        product_id=wire.product_id,
        name=wire.name or "",
        category=wire.category,
        quantity=number(wire.quantity) or Decimal(0),
        price_cents=cents(wire.price) or 0,
    )
