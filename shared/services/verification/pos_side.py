"""What one provider's POS has, kept as digests, and to whom its orders belong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.domain.customers import identifies
from shared.domain.ids import natural_key
from shared.domain.orders import Order
from shared.services.verification.recount import Money
from shared.store.database import Put


class PosCustomer(NamedTuple):
    """A customer as the POS lists one. ``late``: changed since the verification began."""

    digest: bytes
    email: str | None
    user_id: str | None
    created_at: int | None
    late: bool


class PosOrder(NamedTuple):
    """An order as the POS lists it; ``owner`` is None where it matches no customer. ``optional``:
    of days that the org does not want, it may be stored or not."""

    digest: bytes
    owner: str | None
    money: Money
    late: bool
    optional: bool
    ecom_number: str | None


@dataclass(slots=True)
class Directory:
    """Which customer an order belongs to: the one whose id it carries, else the one with its
    e-mail, else (without an e-mail that identifies anybody) the one with its user id; of several
    the first by id."""

    ids: set[str] = field(default_factory=set)
    emails: dict[str, str] = field(default_factory=dict)
    user_ids: dict[str, str] = field(default_factory=dict)

    def add(self, customer_id: str, email: str | None, user_id: str | None) -> None:
        """Add what identifies a customer."""
        identity = email if identifies(email) else None
        for known, value in ((self.emails, identity), (self.user_ids, user_id)):
            if value:
                known[value] = min(known.get(value, customer_id), customer_id, key=natural_key)

    def owner(self, order: Order) -> str | None:
        """Id of the customer; None where there is none."""
        if order.pos_customer_id in self.ids:
            return order.pos_customer_id
        if identifies(order.email):
            return self.emails.get(str(order.email))
        return self.user_ids.get(order.user_id) if order.user_id else None


@dataclass(frozen=True, slots=True)
class Sampled:
    """By stream the ids of the documents that are compared, how many records there are at the POS,
    and how many documents."""

    ids: Mapping[str, list[str]]
    at_pos: Mapping[str, int]
    stored: Mapping[str, int]


@dataclass(slots=True)
class PosSide:
    """What a provider has, by the ids of the documents; products and discounts as the fields that
    these should have. ``unsure`` are ids of records in quarantine, by stream: what is stored of
    them is as it was. ``kept`` are ids of customers whom the POS has deleted and who stay stored,
    as the org wants. ``gives_discounts``: whether the POS lists any at all."""

    provider: str
    customers: dict[str, PosCustomer] = field(default_factory=dict)
    orders: dict[str, PosOrder] = field(default_factory=dict)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    discounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsure: dict[str, set[str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    directory: Directory = field(default_factory=Directory)
    nameless: dict[str, int] = field(default_factory=dict)
    gives_discounts: bool = True
    metadata: list[tuple[Put, bool]] = field(default_factory=list)
    """What the documents of the metadata should be, each with whether the POS has changed since
    they were written."""
    sampled: Sampled | None = None
    """Of a sample."""
