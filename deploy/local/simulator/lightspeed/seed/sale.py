"""One sale as ``/sales`` lists it, with all its keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from deploy.local.simulator.lightspeed.seed.catalogue import Assortment, Ware
from deploy.local.simulator.lightspeed.seed.ids import dollars, iso_text, record_id, tax_of

STATES: dict[str, tuple[str, list[str]]] = {
    "SAVED": ("parked", []),
    "OPEN": ("pending", []),
    "CLOSED": ("closed", []),
    "VOIDED": ("voided", []),
    "ONACCOUNT": ("pending", ["onaccount"]),
    "ONACCOUNT_CLOSED": ("closed", ["onaccount"]),
    "LAYBY": ("pending", ["layby"]),
    "LAYBY_CLOSED": ("closed", ["layby"]),
    "AWAITING_DISPATCH": ("pending", ["delivery"]),
    "DISPATCHED_CLOSED": ("closed", ["delivery"]),
    "AWAITING_PICKUP": ("pending", ["pickup"]),
    "PICKED_UP_CLOSED": ("closed", ["pickup"]),
    "SERVICE": ("pending", ["service"]),
    "SERVICE_CLOSED": ("closed", ["service"]),
}
"""State and attributes of each of the older statuses."""
_UNPAID = ("SAVED", "OPEN", "VOIDED", "ONACCOUNT", "LAYBY", "SERVICE")


@dataclass(frozen=True, slots=True)
class Bought:
    """A line: so many of a product, each ``off_cents`` cheaper than its price."""

    ware: Ware
    quantity: int
    off_cents: int = 0

    @property
    def net_cents(self) -> int:
        """Of all of them, without tax."""
        return (self.ware.price_cents - self.off_cents) * self.quantity

    @property
    def tax_cents(self) -> int:
        return tax_of(self.ware.price_cents - self.off_cents) * self.quantity


@dataclass(frozen=True, slots=True)
class Draft:
    """What a sale says; ``fee_cents`` is a delivery fee, which bears no tax. Of a return the
    quantities are negative and ``return_for`` is the sale it takes back."""

    id: str
    number: int
    status: str
    created: datetime
    lines: tuple[Bought, ...]
    customer_id: str | None
    register: tuple[str, str]
    source: str = "USER"
    source_id: str | None = None
    note: str = ""
    fee_cents: int = 0
    return_for: str | None = None
    return_ids: tuple[str, ...] = ()
    deleted_at: str | None = None

    def row(self, catalogue: Assortment, rng: Random) -> dict[str, Any]:
        """The sale's row."""
        state, attributes = STATES[self.status]
        register_id, outlet_id = self.register
        net = sum(line.net_cents for line in self.lines) + self.fee_cents
        tax = sum(line.tax_cents for line in self.lines)
        at = iso_text(self.created)
        paid = [] if self.status in _UNPAID else [self._payment(net + tax, at, rng)]
        return {
            "id": self.id,
            "outlet_id": outlet_id,
            "register_id": register_id,
            "user_id": catalogue.user_id,
            "customer_id": self.customer_id,
            "invoice_number": str(self.number),
            "receipt_number": str(self.number),
            "source": self.source,
            "source_id": self.source_id,
            "accounts_transaction_id": None,
            "complete_open_sequence_id": None,
            "has_unsynced_on_account_payments": None,
            "note": self.note,
            "status": self.status,
            "state": state,
            "attributes": attributes,
            "short_code": self.id[:6].upper(),
            "return_for": self.return_for,
            "return_ids": list(self.return_ids),
            "total_price": dollars(net),
            "total_tax": dollars(tax),
            "total_price_incl": dollars(net + tax),
            "total_loyalty": 0,
            "total_surcharge": 0,
            "created_at": at,
            "updated_at": iso_text(self.created + timedelta(minutes=rng.randrange(1, 90))),
            "sale_date": at,
            "deleted_at": self.deleted_at,
            "line_items": [
                self._line(line, number, catalogue, rng) for number, line in enumerate(self.lines)
            ],
            "payments": paid,
            "adjustments": [],
            "external_applications": [],
            "taxes": [{"id": catalogue.tax_id, "amount": dollars(tax)}],
            "ecom_custom_charges": {"delivery": dollars(self.fee_cents)} if self.fee_cents else {},
        }

    def _line(
        self, line: Bought, number: int, catalogue: Assortment, rng: Random
    ) -> dict[str, Any]:
        unit = line.ware.price_cents - line.off_cents
        unit_tax = tax_of(unit)
        cost = line.ware.price_cents * 2 // 5
        return {
            "id": record_id(rng),
            "product_id": line.ware.id,
            "salesperson_id": None,
            "tax_id": catalogue.tax_id,
            "quantity": line.quantity,
            "price": dollars(unit),
            "price_total": dollars(line.net_cents),
            "cost": dollars(cost),
            "cost_total": dollars(cost * line.quantity),
            "discount": dollars(line.off_cents),
            "discount_total": dollars(line.off_cents * line.quantity),
            "tax": dollars(unit_tax),
            "tax_total": dollars(line.tax_cents),
            "loyalty_value": 0,
            "note": None,
            "return_reason": None,
            "price_set": False,
            "status": "SAVED" if self.status in _UNPAID else "CONFIRMED",
            "sequence": number,
            "gift_card_number": None,
            "tax_components": [{"rate_id": catalogue.tax_id, "total_tax": dollars(line.tax_cents)}],
            "promotions": [],
            "surcharges": [],
            "unit_price": dollars(unit),
            "unit_tax": dollars(unit_tax),
            "unit_cost": dollars(cost),
            "unit_discount": dollars(line.off_cents),
            "unit_loyalty_value": 0,
            "total_price": dollars(line.net_cents),
            "total_tax": dollars(line.tax_cents),
            "total_cost": dollars(cost * line.quantity),
            "total_discount": dollars(line.off_cents * line.quantity),
            "total_loyalty_value": 0,
            "is_return": line.quantity < 0,
        }

    def _payment(self, cents: int, at: str, rng: Random) -> dict[str, Any]:
        register_id, outlet_id = self.register
        return {
            "id": record_id(rng),
            "register_id": register_id,
            "register_open_sequence_id": None,
            "outlet_id": outlet_id,
            "retailer_payment_type_id": None,
            "payment_type_id": "1",
            "name": "Cash",
            "amount": dollars(cents),
            "payment_date": at,
            "deleted_at": None,
            "external_attributes": [],
            "external_applications": [],
            "surcharge": None,
            "source_id": None,
        }
