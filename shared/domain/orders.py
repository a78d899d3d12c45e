"""An order, and whose status of it holds: the POS's or another program's."""

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


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """The status of a stored order, None where the document lacks a field. ``from_pos`` is the
    status that ``pos_status``, the POS's own word, stood for when a sync last wrote the order;
    ``status`` may be another program's since."""

    status: str | None
    pos_status: str | None
    from_pos: str | None


def status_to_write(
    stored: StoredStatus | None, *, pos_status: str | None, from_pos: str
) -> str | None:
    """The status that a sync writes on an order of which the POS now says ``pos_status``, which
    stands for ``from_pos``; None where the stored status stays, another program's perhaps.

    The POS decides what is new, and when it says another word than before or the same word stands
    for another status: an order without a word that is complete now, or a word that is newly
    understood. Where a sync of an earlier version wrote the order, the stored status counts as
    the POS's.
    """
    if stored is None or stored.pos_status != pos_status:
        return from_pos
    before = stored.status if stored.from_pos is None else stored.from_pos
    return None if before == from_pos else from_pos


def document_id(source: str, external_id: str) -> str:
    """Id of an order's document: the provider's name, then the POS's own id."""
    return f"{source}_{external_id}"


def external_id_of(document_id: str) -> str:
    """The POS's own id of an order, from its document's."""
    return document_id.partition("_")[2]
