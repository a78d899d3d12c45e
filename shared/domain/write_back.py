"""What Sync Sam may have a POS make: customers and orders; never prices, never stock."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from shared.domain.customers import identifies, normal_email


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer to make. ``date_of_birth`` is an ISO date. Raises ValueError without an e-mail of
    its own or a telephone number: it could not be found out afterwards whether the customer was
    made."""

    first_name: str
    last_name: str
    email: str | None = None
    phone: str | None = None
    date_of_birth: str | None = None

    def __post_init__(self) -> None:
        by_phone = any(map(str.isdigit, self.phone or ""))
        if not (by_phone or identifies(normal_email(self.email))):
            raise ValueError("a new customer needs an e-mail or a telephone number")


@dataclass(frozen=True, slots=True)
class OrderLine:
    """So many units of a batch, out of an area of the location."""

    batch_id: str
    area_id: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to make for a customer of the POS. Raises ValueError without lines, or with a
    quantity that is not above 0."""

    customer_id: str
    location_id: str
    kind: Literal["retail", "pickup", "delivery"]
    lines: tuple[OrderLine, ...]

    def __post_init__(self) -> None:
        if not self.lines or any(line.quantity <= 0 for line in self.lines):
            raise ValueError("an order needs lines, each of more than nothing")


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order as it stands at the POS: the quantity of each line in order. ``discount_ids`` is
    None where the POS does not say which discounts it was given."""

    id: str
    quantities: tuple[Decimal, ...]
    discount_ids: frozenset[str] | None
