"""What a retailer's own data says should be stored: the contract's rules, written anew.

Nothing of the product is used here, so that the product can be held against it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.simulator.truth import Figures

Row = Mapping[str, Any]

_ORDER_ID = re.compile(r"\border id:\s*(\d+)?", re.IGNORECASE)
_NO_ADDRESS = ("noemail", "no-email", "placeholder", "customer@")
_EXPORT_TIME = "%b %d, %Y %I:%M %p"


@dataclass
class CustomerFigures(Figures):
    """One customer's spending in dollars, and again by channel (``ecom``, ``retail``)."""

    spent_by: dict[str, Decimal] = field(default_factory=dict)
    orders_by: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class ExpectedOrder:
    """A document of ``orders``. ``total`` is negative for a return. ``superseded_by`` is the id of
    the sale that an imported eCom order has become; it is then no spending."""

    id: str
    customer_id: str | None
    total: Decimal
    channel: str
    counts: bool
    at: datetime
    ecom_number: str | None
    superseded_by: str | None = None


class RetailerTruth:
    """A retailer's orders and figures. ``data`` has ``customers``, ``sales`` and ``registers`` as
    rows of the API, and under ``ecom`` the rows of the eCom order export that was imported, if
    any; ``zone`` is that of its times. ``orders`` are by document id."""

    def __init__(self, data: Mapping[str, Sequence[Row]], zone: str) -> None:
        customers = [row for row in data["customers"] if not row["deleted_at"]]
        customers.sort(key=lambda row: str(row["id"]))
        self._zone = ZoneInfo(zone)
        self._online = {
            row["id"]
            for row in data["registers"]
            if "online" in row["name"].lower() or "ecom" in row["name"].lower()
        }
        self.figures = {str(row["id"]): CustomerFigures() for row in customers}
        self._by_email: dict[str, str] = {}
        self._by_phone: dict[str, str] = {}
        for row in customers:
            email, phone = address_of(row), digits_of(row["mobile"] or row["phone"])
            if email:
                self._by_email.setdefault(email, str(row["id"]))
            if phone:
                self._by_phone.setdefault(phone, str(row["id"]))
        sales = [row for row in data["sales"] if not row["deleted_at"]]
        self.skipped = sum(row["customer_id"] not in self.figures for row in sales)
        stored = (self._sale(row) for row in sales if row["customer_id"] in self.figures)
        self.orders = {order.id: order for order in stored}
        arrived = {order.ecom_number: order.id for order in self.orders.values()}
        for number, rows in _by_number(data.get("ecom", ())).items():
            imported = self._imported(number, rows, arrived.get(number))
            self.orders[imported.id] = imported
        for order in self.orders.values():
            self._add(order)

    @property
    def unmatched(self) -> int:
        """How many imported eCom orders are nobody's."""
        return sum(order.customer_id is None for order in self.orders.values())

    def channels(self) -> dict[str, int]:
        """How many orders each channel has."""
        return dict(Counter(order.channel for order in self.orders.values()))

    def _sale(self, row: Row) -> ExpectedOrder:
        number = _ecom_number(row)
        total = Decimal(str(row["total_price_incl"]))
        paid_ahead = row["state"] == "pending" and set(row["attributes"]) & {"pickup", "delivery"}
        return ExpectedOrder(
            id=f"lightspeed_{row['id']}",
            customer_id=row["customer_id"],
            total=-abs(total) if row["return_for"] else total,
            channel="retail" if number is None and not self._is_online(row) else "ecom",
            counts=row["state"] == "closed" or bool(paid_ahead),
            at=datetime.fromisoformat(row["created_at"]).astimezone(UTC),
            ecom_number=number or None,
        )

    def _is_online(self, row: Row) -> bool:
        return row["register_id"] in self._online

    def _imported(self, number: str, rows: list[Row], sale: str | None) -> ExpectedOrder:
        first = rows[0]
        at = datetime.strptime(first["timestamp"], _EXPORT_TIME).replace(tzinfo=self._zone)
        email = first["email"].strip().lower()
        phone = digits_of(first["bill_person_phone"] or first["shipto_person_phone"])
        return ExpectedOrder(
            id=f"ecom_{number}",
            customer_id=self._by_email.get(email) or self._by_phone.get(phone),
            total=Decimal(first["order_total"]),
            channel="ecom",
            counts=first["payment_status_code"] == "ACCEPTED" and sale is None,
            at=at.astimezone(UTC),
            ecom_number=number,
            superseded_by=sale,
        )

    def _add(self, order: ExpectedOrder) -> None:
        if order.customer_id is None or not order.counts:
            return
        figures = self.figures[order.customer_id]
        figures.spent += order.total
        figures.spent_by[order.channel] = (
            figures.spent_by.get(order.channel, Decimal(0)) + order.total
        )
        if order.total >= 0:
            figures.moments.append(order.at)
            figures.orders_by[order.channel] += 1


def address_of(customer: Row) -> str | None:
    """The customer's e-mail in lower case; None for one that only fills the field."""
    email = (customer["email"] or "").strip().lower()
    return None if not email or email.startswith(_NO_ADDRESS) else email


def digits_of(phone: str | None) -> str:
    """The last ten digits of a telephone number."""
    return "".join(filter(str.isdigit, phone or ""))[-10:]


def _ecom_number(row: Row) -> str | None:
    """The number of the eCom order that a sale is; "" where it has none, None where it is none."""
    from_shop = str(row["source"]).startswith("ecw:")
    if from_shop and str(row["source_id"] or "").isdecimal():
        return str(row["source_id"])
    noted = _ORDER_ID.search(row["note"] or "")
    if noted:
        return noted[1] or ""
    return "" if from_shop else None


def _by_number(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["order_number"], []).append(row)
    return found
