"""Whose order is it?. An order that is nobody's makes no customer."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from shared.domain.customers import identifies
from shared.domain.orders import Order


class CustomerDirectory(Protocol):
    """The customers an org is known to have."""

    def has(self, customer_id: str) -> bool:
        """Whether a customer of that id is stored."""
        ...

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        """Customer id for each e-mail that somebody has; of several customers the first by id."""
        ...

    def by_user_id(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        """Customer id for each user id that somebody has; of several customers the first by id."""
        ...


def match_orders(orders: Iterable[Order], directory: CustomerDirectory) -> dict[str, str]:
    """Customer id by the order's external id; an order that matches nobody is missing.

    An order belongs to the customer whose id it carries, else to the one with its e-mail, else,
    having no e-mail that identifies anybody, to the one with its user id.
    """
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
    return matched
