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
from shared.domain.wording import counted


class SkipReason(StrEnum):
    """Why an order was skipped: the first of these that is true of it. The codes are stored."""

    UNKNOWN_CUSTOMER_ID = "unknown_customer_id"
    UNKNOWN_EMAIL = "unknown_email"
    UNKNOWN_PHONE = "unknown_phone"
    UNKNOWN_USER_ID = "unknown_user_id"
    NO_BUYER = "no_buyer"

    @property
    def message(self) -> str:
        """A sentence for the people of the dispensary."""
        return _MESSAGES[self]

    @property
    def carried(self) -> str:
        """What several such orders say about their buyers, after their number."""
        return _CARRIED[self]


_MESSAGES = {
    SkipReason.UNKNOWN_CUSTOMER_ID: (
        "The order names a customer who is not stored, and nothing else on it matches one."
    ),
    SkipReason.UNKNOWN_EMAIL: "No customer has the e-mail address on the order.",
    SkipReason.UNKNOWN_PHONE: "No customer has the telephone number on the order.",
    SkipReason.UNKNOWN_USER_ID: "No customer has the user account that placed the order.",
    SkipReason.NO_BUYER: (
        "The order names no buyer: it has no customer id, no e-mail address and no user account."
    ),
}
_CARRIED = {
    SkipReason.UNKNOWN_CUSTOMER_ID: "name a customer whom the POS does not list",
    SkipReason.UNKNOWN_EMAIL: "carry an e-mail address that no customer has",
    SkipReason.UNKNOWN_PHONE: "carry nothing but a telephone number that no customer has",
    SkipReason.UNKNOWN_USER_ID: "carry nothing but a user account that no customer has",
    SkipReason.NO_BUYER: "carry neither customer id, e-mail address nor user account",
}

MANY_SKIPPED = 20
"""Below this a run's skipped orders are those of a few walk-in customers."""


def most_are_skipped(listed: int, skipped: Mapping[str, int]) -> bool:
    """Whether more than a third of the orders listed, and not just a few, match no customer: then
    it is the matching that fails, not the orders. ``skipped`` are counts by SkipReason."""
    count = sum(skipped.values())
    return count >= MANY_SKIPPED and 3 * count > listed


def why_skipped(listed: int, skipped: Mapping[str, int]) -> str:
    """What the skipped orders carried and why none of it matched, the most frequent first."""
    known = {reason.value: reason.carried for reason in SkipReason}
    counts = sorted(skipped.items(), key=lambda each: -each[1])
    reasons = "; ".join(f"{count:,} {known.get(code, code)}" for code, count in counts)
    return f"{sum(skipped.values()):,} of {counted(listed, 'orders')} match no customer: {reasons}"


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
