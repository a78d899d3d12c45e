"""Orders of the eCom shop, and the sales that they become at the retailer once they arrive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from deploy.local.simulator.lightspeed.seed.catalogue import Assortment
from deploy.local.simulator.lightspeed.seed.ids import record_id
from deploy.local.simulator.lightspeed.seed.people import has_address
from deploy.local.simulator.lightspeed.seed.sale import Bought, Draft
from deploy.local.simulator.seed.calendar import CLEAR_AGES, Calendar
from deploy.local.simulator.seed.people import CITIES, full_name, phone_number

_STRANGER_SHARE = 0.06
_OTHER_ADDRESS_SHARE = 0.04
_MISSING_PER_ORDER = 1 / 400
_STRANGERS_FROM, _STRANGERS = 5_200, 4_000
"""So many telephone numbers, from this one on, belong to nobody at a retailer of 5,000 people."""

PAID = ("Paid", "ACCEPTED")
_UNPAID = {
    0: ("Awaiting Payment", "QUEUED"),
    1: ("Refunded", "REFUNDED"),
    2: ("Canceled", "CANCELLED"),
}
_STATUS_AT_RETAIL = {"QUEUED": "OPEN", "REFUNDED": "VOIDED", "CANCELLED": "VOIDED"}


@dataclass(frozen=True, slots=True)
class Contact:
    """Who ordered. ``customer_id`` is None for somebody whom the retailer does not know yet."""

    customer_id: str | None
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    city: str
    state: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as the shop has it. ``sale_id`` is the id that its sale has or will have.
    ``fee_at_retail`` is the delivery fee that the sale says, which now and then lacks."""

    number: int
    placed: datetime
    contact: Contact
    lines: tuple[Bought, ...]
    delivery: bool
    fee_cents: int
    fee_at_retail: int
    payment: tuple[str, str]
    fulfilment: tuple[str, str]
    sale_id: str

    @property
    def subtotal_cents(self) -> int:
        return sum(line.net_cents for line in self.lines)

    @property
    def tax_cents(self) -> int:
        return sum(line.tax_cents for line in self.lines)

    @property
    def total_cents(self) -> int:
        return self.subtotal_cents + self.tax_cents + self.fee_cents

    @property
    def retail_status(self) -> str:
        """The status of its sale."""
        if self.payment != PAID:
            return _STATUS_AT_RETAIL[self.payment[1]]
        match self.fulfilment[1], self.delivery:
            case "SHIPPED" | "DELIVERED", True:
                return "DISPATCHED_CLOSED"
            case _, True:
                return "AWAITING_DISPATCH"
            case "READY_FOR_PICKUP", _:
                return "AWAITING_PICKUP"
            case "DELIVERED", _:
                return "PICKED_UP_CLOSED"
            case _:
                return "CLOSED"

    def draft(
        self, customer_id: str | None, number: int, source: str, catalogue: Assortment
    ) -> Draft:
        """Its sale at the retailer, to that customer, under that invoice number."""
        contact = self.contact
        how = (
            f"{contact.name}, {contact.street}, {contact.city} {contact.state}"
            if self.delivery
            else f"Pickup by {contact.name}, {contact.phone}"
        )
        return Draft(
            id=self.sale_id,
            number=number,
            status=self.retail_status,
            created=self.placed,
            lines=self.lines,
            customer_id=customer_id,
            register=catalogue.online,
            source=source,
            source_id=str(self.number),
            note=f"Order ID:{self.number}\n{how}",
            fee_cents=self.fee_at_retail,
        )


def ecom_numbers(count: int, rng: Random) -> list[int]:
    """So many numbers, ascending from 1; a few between them are missing."""
    missing = round(count * _MISSING_PER_ORDER)
    left_out = set(rng.sample(range(2, max(count + missing, 2)), k=min(missing, max(count - 2, 0))))
    return [n for n in range(1, count + missing + 1) if n not in left_out][:count]


def generate_ecom(
    numbers: Sequence[int],
    known: frozenset[int],
    people: list[dict[str, Any]],
    catalogue: Assortment,
    calendar: Calendar,
    rng: Random,
) -> Iterator[ShopOrder]:
    """An order for each number, oldest first, one at a time: there may be a million. Those of
    ``known`` are by customers of the retailer, the others now and then by strangers."""
    shoppers = _shoppers(people)
    ages = sorted(CLEAR_AGES, reverse=True)
    for index, number in enumerate(numbers):
        placed = calendar.opening_hours(ages[index * len(ages) // len(numbers)], rng)
        stranger = not shoppers or (number not in known and rng.random() < _STRANGER_SHARE)
        contact = _stranger(number, rng) if stranger else rng.choice(shoppers)
        if not stranger and contact.phone and rng.random() < _OTHER_ADDRESS_SHARE:
            contact = _with_other_address(contact, number)
        delivery = rng.random() < 0.35
        fee = rng.choice((0, 500, 750)) if delivery else 0
        yield ShopOrder(
            number=number,
            placed=placed.replace(second=0, microsecond=0),
            contact=contact,
            lines=_lines(catalogue, rng),
            delivery=delivery,
            fee_cents=fee,
            fee_at_retail=0 if number % 50 == 0 else fee,
            payment=_UNPAID.get(number % 120 - 37, PAID),
            fulfilment=_fulfilment(index, len(numbers), delivery, rng),
            sale_id=record_id(rng),
        )


def _shoppers(people: list[dict[str, Any]]) -> list[Contact]:
    """The customers with an e-mail. Of several with one e-mail, or one telephone, all orders are
    taken for those of the first by id."""
    found: dict[str, Contact] = {}
    phones: set[str] = set()
    for person in sorted(people, key=lambda each: str(each["id"])):
        if not has_address(person) or person["deleted_at"]:
            continue
        phone = person["mobile"] or person["phone"] or ""
        digits = _digits(phone)
        contact = Contact(
            person["id"],
            person["first_name"],
            person["last_name"],
            person["email"],
            "" if digits in phones else phone,
            person["physical_address_1"],
            person["physical_city"],
            person["physical_state"],
        )
        phones.add(digits)
        found.setdefault(person["email"].lower(), contact)
    return list(found.values())


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone))[-10:]


def _stranger(number: int, rng: Random) -> Contact:
    first, last = full_name(rng)
    city, state = rng.choice(CITIES)
    email = f"{first}.{last}.web{number}@example.org".lower()
    phone = phone_number(_STRANGERS_FROM + number % _STRANGERS, rng)
    return Contact(None, first, last, email, phone, f"{number % 400} Unnamed Road", city, state)


def _with_other_address(contact: Contact, number: int) -> Contact:
    return Contact(
        contact.customer_id,
        contact.first_name,
        contact.last_name,
        f"other.address{number}@example.org",
        contact.phone,
        contact.street,
        contact.city,
        contact.state,
    )


def _lines(catalogue: Assortment, rng: Random) -> tuple[Bought, ...]:
    wares = rng.sample(catalogue.wares, k=min(rng.choice((1, 1, 2, 2, 3)), len(catalogue.wares)))
    return tuple(Bought(ware, rng.choice((1, 1, 1, 2))) for ware in wares)


def _fulfilment(index: int, count: int, delivery: bool, rng: Random) -> tuple[str, str]:
    if index > count - 1 - count // 30:
        return rng.choice((("Processing", "PROCESSING"), ("Awaiting Processing", "NEW")))
    if delivery:
        return rng.choice((("Shipped", "SHIPPED"), ("Delivered", "DELIVERED")))
    ready = ("Ready For Pickup", "READY_FOR_PICKUP")
    return rng.choice((("Shipped", "SHIPPED"), ready, ("Delivered", "DELIVERED")))
