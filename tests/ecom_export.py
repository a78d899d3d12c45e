"""Files as the web shop's order export writes them: 109 columns, one row for each line."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")

_PERSON = (
    *("name", "street_1", "street_2", "city", "country_code", "postal_code", "state_code"),
    *("country_name", "state_name", "phone"),
)
_CAMPAIGNS = ("", *(f"_{n}" for n in range(2, 11)))
_UTM = [f"utm_{kind}{which}" for which in _CAMPAIGNS for kind in ("source", "medium", "campaign")]
HEADER: Sequence[str] = (
    *("order_number", "email", "sku", "name", "weight", "price", "total", "quantity", "options"),
    *("tax_details", "customer_tax_exempt", "customer_tax_id", "reversed_tax_applied", "timestamp"),
    *(f"shipto_person_{each}" for each in _PERSON),
    *(f"bill_person_{each}" for each in _PERSON),
    *("customer_group", "payment_method", "shipping_method", "payment_status"),
    *("fulfillment_status", "payment_status_code", "fulfillment_status_code", "order_subtotal"),
    *("order_tax", "order_shipping", "order_handling_fee", "order_total"),
    *(f"order_tax_{n}_{what}" for n in range(1, 5) for what in ("name", "value")),
    *("order_tracking_number", "coupon_code", "coupon_discount", "volume_discount"),
    *("detail_discount", "discount", "order_weight", "order_comments", "affiliate_id", *_UTM),
    *("customer_ipaddress", "note_for_staff", "accept_marketing", "referer_id"),
    *("gift_card_redemption", "masked_gift_card_code", "pickup_time", "payment_transaction_id"),
    *(
        "tips",
        "surcharges",
        "Pickup date and time",
        "Medical card",
        "Driver notes",
        "null",
        "X-series Order ID",
        "language",
    ),
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CODES = {
    "Paid": "ACCEPTED",
    "Awaiting Payment": "QUEUED",
    "Refunded": "REFUNDED",
    "Canceled": "CANCELLED",
}


@dataclass(frozen=True)
class ExportedLine:
    """A line of an order. Money in cents."""

    name: str = "Blue Dream 3.5g"
    quantity: int = 1
    price: int = 10_00


@dataclass(frozen=True)
class ExportedOrder:
    """An order as the web shop has it; the export has ``at`` as the local time of ZONE."""

    number: int
    at: datetime = datetime(2026, 1, 5, 20, 7, tzinfo=UTC)
    email: str = "ada@example.com"
    phone: str = ""
    name: str = "Ada L"
    payment: str = "Paid"
    tax: int = 0
    sale_id: str = ""
    lines: tuple[ExportedLine, ...] = field(default=(ExportedLine(),))

    @property
    def total(self) -> int:
        """Cents."""
        return self.tax + sum(line.quantity * line.price for line in self.lines)

    def costing(self, cents: int) -> "ExportedOrder":
        """The same with one line of that price."""
        return replace(self, tax=0, lines=(ExportedLine(price=cents),))


def rows(order: ExportedOrder) -> list[dict[str, Any]]:
    """The rows of an order, by column."""
    said = {
        "order_number": order.number,
        "email": order.email,
        "tax_details": "Sales tax\n8%; city",
        "timestamp": local(order.at),
        "shipto_person_name": order.name,
        "shipto_person_phone": order.phone,
        "shipping_method": "Pickup",
        "payment_status": order.payment,
        "payment_status_code": CODES.get(order.payment, ""),
        "fulfillment_status": "Shipped",
        "fulfillment_status_code": "SHIPPED",
        "order_subtotal": money(order.total - order.tax),
        "order_tax": money(order.tax),
        "order_total": money(order.total),
        "X-series Order ID": order.sale_id,
        "language": "en",
    }
    return [
        {
            **said,
            "name": line.name,
            "price": money(line.price),
            "quantity": line.quantity,
            "total": money(line.quantity * line.price),
        }
        for line in order.lines
    ]


def export(orders: Iterable[ExportedOrder], header: Sequence[str] = HEADER) -> str:
    """The file's text, without byte order mark."""
    return export_of_rows((row for order in orders for row in rows(order)), header)


def export_of_rows(found: Iterable[dict[str, Any]], header: Sequence[str] = HEADER) -> str:
    """The same from rows."""
    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter=";", lineterminator="\r\n")
    table.writerow(header)
    table.writerows([row.get(name, "") for name in header] for row in found)
    return text.getvalue()


def money(cents: int) -> str:
    sign, cents = "-" * (cents < 0), abs(cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def local(moment: datetime) -> str:
    at = moment.astimezone(ZONE)
    half = "AM" if at.hour < 12 else "PM"
    hour = at.hour % 12 or 12
    return f"{MONTHS[at.month - 1]} {at.day}, {at.year} {hour:02d}:{at.minute:02d} {half}"
