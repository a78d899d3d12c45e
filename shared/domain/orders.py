"""An order, and whether it counts as spending."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class OrderStatus(StrEnum):
    """The product's seven order states."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    PREPARING = "preparing"
    READY = "ready"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class OrderType(StrEnum):
    """How the goods reach the customer."""

    IN_STORE = "in_store"
    DELIVERY = "delivery"
    PICKUP = "pickup"


class Channel(StrEnum):
    """Where the order was placed."""

    RETAIL = "retail"
    ECOM = "ecom"


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line of an order. ``price_cents`` is per unit."""

    product_id: str | None
    name: str
    category: str | None
    quantity: Decimal
    price_cents: int


@dataclass(frozen=True, slots=True)
class Order:
    """POS-owned facts about one order, before it is matched to a customer.

    ``total_cents`` is negative for a refund. ``pos_customer_id``, ``email`` and ``user_id`` are
    what the POS says about the buyer. Times are aware UTC; ``version`` is when the order last
    changed, if the POS says so. ``ecom_number`` is the number that the web shop gave the order.
    """

    external_id: str
    source: str
    pos_customer_id: str | None
    user_id: str | None
    email: str | None
    customer_name: str
    phone: str | None
    location_id: str
    status: OrderStatus
    pos_status: str | None
    type: OrderType
    channel: Channel
    items: tuple[OrderItem, ...]
    total_cents: int
    subtotal_cents: int | None
    tax_cents: int | None
    discount_cents: int | None
    created_at: datetime
    updated_at: datetime
    version: datetime | None = None
    ecom_number: str | None = None

    @property
    def id(self) -> str:
        """Id of the order's document."""
        return document_id(self.source, self.external_id)


def document_id(source: str, external_id: str) -> str:
    """Id of an order's document: the provider's name, then the POS's own id."""
    return f"{source}_{external_id}"


def external_id_of(document_id: str) -> str:
    """The POS's own id of an order, from its document's."""
    return document_id.partition("_")[2]
