"""Which customer an order belongs to, or why it belongs to none.

It belongs to the customer whose id it carries, if that one is stored; else to the one with its
e-mail; else, if it has no e-mail that identifies anybody, to the one with its user id. An order
that matches none is skipped: it creates no customer.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.domain.customers import identifies
from shared.domain.orders import Order


class SkipReason(StrEnum):
    """Why an order was skipped: the first of these that is true of it. The codes are stored."""

    UNKNOWN_CUSTOMER_ID = "unknown_customer_id"
    UNKNOWN_EMAIL = "unknown_email"
    UNKNOWN_USER_ID = "unknown_user_id"
    NO_BUYER = "no_buyer"

    @property
    def message(self) -> str:
        """A sentence for the people of the dispensary."""
        return _MESSAGES[self]


_MESSAGES = {
    SkipReason.UNKNOWN_CUSTOMER_ID: (
        "The order names a customer who is not stored, and nothing else on it matches one."
    ),
    SkipReason.UNKNOWN_EMAIL: "No customer has the e-mail address on the order.",
    SkipReason.UNKNOWN_USER_ID: "No customer has the user account that placed the order.",
    SkipReason.NO_BUYER: (
        "The order names no buyer: it has no customer id, no e-mail address and no user account."
    ),
}


class CustomerDirectory(Protocol):
    """The customers an org is known to have."""

    def has(self, customer_id: str) -> bool:
        """Whether a customer of that id is stored."""

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        """Customer id for each e-mail; of several customers the first by id."""

    def by_user_id(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        """Customer id for each user id; of several customers the first by id."""


@dataclass(frozen=True, slots=True)
class OrderMatches:
    """For each order, by its external id, either its customer's id or why it is skipped."""

    customer_ids: Mapping[str, str]
    skipped: Mapping[str, SkipReason]


def match_orders(orders: Collection[Order], directory: CustomerDirectory) -> OrderMatches:
    """Match orders to customers, with at most one look-up by e-mail and one by user id."""
    matched: dict[str, str] = {}
    emails: dict[str, str] = {}
    user_ids: dict[str, str] = {}
    for order in orders:
        if order.pos_customer_id and directory.has(order.pos_customer_id):
            matched[order.external_id] = order.pos_customer_id
        elif identifies(order.email):
            emails[order.external_id] = str(order.email)
        elif order.user_id:
            user_ids[order.external_id] = order.user_id
    for wanted, look_up in ((emails, directory.by_email), (user_ids, directory.by_user_id)):
        found = look_up(sorted(set(wanted.values()))) if wanted else {}
        matched.update({order: found[key] for order, key in wanted.items() if key in found})
    skipped = {o.external_id: _skip_reason(o) for o in orders if o.external_id not in matched}
    return OrderMatches(matched, skipped)


def _skip_reason(order: Order) -> SkipReason:
    """The strongest thing that the order says about its buyer is what did not match."""
    if order.pos_customer_id:
        return SkipReason.UNKNOWN_CUSTOMER_ID
    if identifies(order.email):
        return SkipReason.UNKNOWN_EMAIL
    return SkipReason.UNKNOWN_USER_ID if order.user_id else SkipReason.NO_BUYER
