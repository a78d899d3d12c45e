"""The order export of Lightspeed eCom (E-Series), ``ecom_orders_export.csv``: semicolons, a header,
one row for each line of an order, cells of several lines in quotes.

Columns are found by their names, as some vary by store. What an order has once (amount, time,
status, buyer) is repeated in each of its rows. The rows of an order stand together in an export as
far as known; of an order whose rows do not, they are gathered in a further pass over the file, so
that no more than a few orders are in memory at once.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.batches import batched
from shared.domain.customers import LONGEST_EMAIL, normal_email
from shared.domain.ecom import SOURCE, EcomOrder, is_number
from shared.domain.ids import is_document_id
from shared.domain.orders import Channel, Order, OrderItem, OrderStatus, OrderType
from shared.errors import OrgError
from shared.pos.lightspeed.sales import FILLERS, FUTURE_TOLERATED
from shared.pos.rows import cents, is_storable, number

LONGEST_CELL = 131_072
"""Characters. A cell that is longer begins with a quote that is not closed."""
LONGEST_TEXT = 2_000
"""Characters of a name or the like that are kept."""
GATHERED_AT_ONCE = 10_000
"""Orders whose rows do not stand together that one further pass gathers."""
_BLOCK = 1_024

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MONTH = {name: at for at, name in enumerate(_MONTHS, 1)}
_TIME = re.compile(r"([A-Z][a-z]{2}) ([0-9]{1,2}), ([0-9]{4}) ([0-9]{1,2}):([0-9]{2}) ([AP]M)")

_STATUS = {
    "ACCEPTED": OrderStatus.COMPLETED,
    "PAID": OrderStatus.COMPLETED,
    "QUEUED": OrderStatus.PENDING,
    "AWAITING_PAYMENT": OrderStatus.PENDING,
    "REFUNDED": OrderStatus.CANCELLED,
    "PARTIALLY_REFUNDED": OrderStatus.CANCELLED,
    "CANCELED": OrderStatus.CANCELLED,
    "CANCELLED": OrderStatus.CANCELLED,
}
"""By the code of a payment status or its words; any other one is pending: only what is paid
counts. What a partial refund has left is not in the export."""


class _Cells(NamedTuple):
    """The cells of a row that are read. Those from ``email`` on are the order's."""

    order_number: str
    name: str
    price: str
    quantity: str
    total: str
    email: str
    timestamp: str
    payment_status: str
    order_total: str
    payment_status_code: str
    fulfillment_status: str
    fulfillment_status_code: str
    order_subtotal: str
    order_tax: str
    discount: str
    shipping_method: str
    pickup_time: str
    shipto_person_name: str
    bill_person_name: str
    shipto_person_phone: str
    bill_person_phone: str
    sale_id: str


_REQUIRED = 9
"""Columns without which nothing can be imported: the first ones."""
_OF_ORDER = _Cells._fields.index("email")
_COLUMN = {"sale_id": "x-series order id"}
"""Names of columns that are not those of the fields."""


class ExportUnreadable(OrgError):
    """The file is no export of eCom orders."""

    code = "ecom_export_unreadable"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, from its first line in the file to its last, the header's line
    being 1. The message holds no personal data."""

    first_line: int
    last_line: int
    message: str


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What an export is read with: the ``zone`` of its times, the ``location_id`` of its orders,
    ``now``, and how the file's lines are read from its beginning: as UTF-8 without byte order mark,
    line ends untouched, bytes that are none as lone surrogates."""

    lines: Callable[[], Iterable[str]]
    zone: ZoneInfo
    location_id: str
    now: datetime


class _Row(NamedTuple):
    first_line: int
    last_line: int
    cells: _Cells


def read_export(context: ExportContext) -> Iterator[EcomOrder | BadRow]:
    """The orders of an export, and the rows that are left out. Each order comes once, however often
    its number comes back; one with a line that cannot be read comes without that line, as its
    amount is on each. Rows without a readable amount, time or number are no order.

    Raises ExportUnreadable where the header lacks a column that is needed, before anything comes.
    """
    scattered = _scattered(row for row in _rows(context) if isinstance(row, _Row))
    consecutive = (row for row in _rows(context) if not _is_of(row, scattered))
    for order_number, group in groupby(consecutive, _number_of):
        if order_number is None:
            yield from (row for row in group if isinstance(row, BadRow))
        else:
            yield from _order((row for row in group if isinstance(row, _Row)), context)
    for numbers in batched(sorted(scattered), GATHERED_AT_ONCE):
        gathered: dict[str, list[_Row]] = {order: [] for order in numbers}
        for row in _rows(context):
            if isinstance(row, _Row) and row.cells.order_number in gathered:
                gathered[row.cells.order_number].append(row)
        for rows in gathered.values():
            yield from _order(rows, context)


def _number_of(row: _Row | BadRow) -> str | None:
    return None if isinstance(row, BadRow) else row.cells.order_number


def _is_of(row: _Row | BadRow, numbers: set[str]) -> bool:
    return isinstance(row, _Row) and row.cells.order_number in numbers


def _scattered(rows: Iterable[_Row]) -> set[str]:
    """The numbers of the orders whose rows do not stand together. What was met is a bit for each
    number."""
    met: dict[int, int] = {}
    found: set[str] = set()
    for order_number, _ in groupby(map(attrgetter("cells.order_number"), rows)):
        block, bit = divmod(int(order_number), _BLOCK)
        before = met.get(block, 0)
        if before >> bit & 1:
            found.add(order_number)
        met[block] = before | 1 << bit
    return found


def _rows(context: ExportContext) -> Iterator[_Row | BadRow]:
    """The rows with a number and as many cells as the header, and the others."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(context.lines(), delimiter=";")
    header = _next_row(reader)
    if not isinstance(header, list):
        raise ExportUnreadable("the file has no header that can be read")
    pick = _picker(header)
    while True:
        first = reader.line_num + 1
        row = _next_row(reader)
        if row is None:
            return
        if isinstance(row, str):
            yield BadRow(first, reader.line_num, row)
        elif row:
            yield _row_of(row, pick, len(header), first, reader.line_num)


def _next_row(reader: Iterator[list[str]]) -> list[str] | str | None:
    """The next row; why it cannot be read; None after the last."""
    try:
        return next(reader, None)
    except csv.Error as error:
        return f"it is no row of a CSV file ({error})"


def _picker(header: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    """Picks the cells that are read out of a row to which an empty cell was added."""
    places: dict[str, int] = {}
    for at, name in enumerate(header):
        places.setdefault(name.strip().lower(), at)
    names = [_COLUMN.get(name, name) for name in _Cells._fields]
    if missing := [name for name in names[:_REQUIRED] if name not in places]:
        raise ExportUnreadable(f"the header lacks the columns {', '.join(missing)}")
    return itemgetter(*(places.get(name, len(header)) for name in names))


def _row_of(
    row: list[str], pick: Callable[[list[str]], tuple[str, ...]], cells: int, first: int, last: int
) -> _Row | BadRow:
    if len(row) != cells:
        return BadRow(first, last, f"it has {len(row)} cells, the header {cells}")
    row.append("")
    picked = _Cells(*map(str.strip, pick(row)))
    if not is_number(picked.order_number):
        return BadRow(first, last, "its order_number is no number")
    if not all(map(is_storable, picked)):
        return BadRow(first, last, "it is not encoded as UTF-8")
    return _Row(first, last, picked)


@dataclass(slots=True)
class _Draft:
    """An order while its rows are read: the first of them, what it says of the order, and the
    lines of all."""

    line: int
    first: _Cells
    order: Order
    items: list[OrderItem] = field(default_factory=list)


def _order(rows: Iterable[_Row], context: ExportContext) -> Iterator[EcomOrder | BadRow]:
    """The order of some rows, after those of them that are left out."""
    draft: _Draft | None = None
    for row in rows:
        problem, draft = _added(draft, row, context)
        if problem:
            yield BadRow(row.first_line, row.last_line, problem)
    if draft is not None:
        order = replace(draft.order, items=tuple(draft.items))
        sale_id = draft.first.sale_id
        yield EcomOrder(order, sale_id if is_document_id(sale_id) else None, draft.line)


def _added(
    draft: _Draft | None, row: _Row, context: ExportContext
) -> tuple[str | None, _Draft | None]:
    """The draft with one more row, None where no row could be used so far; and why this one
    cannot."""
    cells = row.cells
    item = _item(cells)
    if isinstance(item, str):
        return item, draft
    if draft is None:
        order = _head(cells, context)
        if isinstance(order, str):
            return order, None
        draft = _Draft(row.first_line, cells, order)
    elif cells[_OF_ORDER:] != draft.first[_OF_ORDER:]:
        return "what it says of the order differs from the order's rows before it", draft
    draft.items.append(item)
    return None, draft


def _item(cells: _Cells) -> OrderItem | str:
    """The line of a row; or why there is none. The export has the web shop's own article numbers,
    no ids of products."""
    quantity, price = number(cells.quantity), cents(cells.price)
    if quantity is None:
        return "its quantity cannot be read"
    if price is None or cents(cells.total) is None:
        return "its price or total cannot be read"
    return OrderItem(None, cells.name[:LONGEST_TEXT], None, quantity, price)


def _head(cells: _Cells, context: ExportContext) -> Order | str:
    """The order that a row is of, without lines; or why it cannot be read."""
    total = cents(cells.order_total)
    optional = (cells.order_subtotal, cells.order_tax, cells.discount)
    if total is None or any(text and cents(text) is None for text in optional):
        return "an amount of the order cannot be read"
    created_at = _moment(cells.timestamp, context.zone)
    if created_at is None or created_at - context.now > FUTURE_TOLERATED:
        return "its timestamp cannot be read, or is in the future"
    subtotal, tax, discount = map(cents, optional)
    payment = cells.payment_status_code or cells.payment_status
    email = normal_email(cells.email)
    return Order(
        external_id=cells.order_number,
        source=SOURCE,
        pos_customer_id=None,
        user_id=None,
        email=email if _is_address(email) else None,
        customer_name=(cells.shipto_person_name or cells.bill_person_name)[:LONGEST_TEXT],
        phone=(cells.shipto_person_phone or cells.bill_person_phone)[:LONGEST_TEXT] or None,
        location_id=context.location_id,
        status=_STATUS.get(payment.upper().replace(" ", "_"), OrderStatus.PENDING),
        pos_status=(cells.fulfillment_status_code or cells.fulfillment_status)[:LONGEST_TEXT]
        or None,
        type=_type(cells),
        channel=Channel.ECOM,
        items=(),
        total_cents=total,
        subtotal_cents=subtotal,
        tax_cents=tax,
        discount_cents=discount,
        created_at=created_at,
        updated_at=created_at,
        ecom_number=cells.order_number,
    )


def _is_address(email: str) -> bool:
    return 0 < len(email) <= LONGEST_EMAIL and not email.startswith(FILLERS)


def _type(cells: _Cells) -> OrderType:
    code = cells.fulfillment_status_code.upper()
    if cells.pickup_time or "pickup" in cells.shipping_method.lower() or "PICKUP" in code:
        return OrderType.PICKUP
    return OrderType.DELIVERY


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """A time like ``Jan 5, 2026 03:07 PM``, with English names in every locale, as UTC; of a local
    time that occurs twice the first. None if unreadable."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    month, day, year, hour, minute, half = found.groups()
    if month not in _MONTH or not 1 <= int(hour) <= 12:
        return None
    hours = int(hour) % 12 + 12 * (half == "PM")
    try:
        local = datetime(int(year), _MONTH[month], int(day), hours, int(minute), tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
