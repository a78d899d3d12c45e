"""Looking up what a customer has spent: by e-mail, by customer id, or from the orders."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import structlog

from shared.domain.customers import identifies, normal_email
from shared.domain.ids import natural_key
from shared.domain.spending import Spending
from shared.store import customers, orders, paths, spending
from shared.store.database import Database, TimedOut

LIMIT_SECONDS = 8.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


class SpendingSource(StrEnum):
    """Where a figure was found."""

    EMAIL = "email"
    CUSTOMER = "customer"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class KnownSpending:
    """What the customers ``customer_ids`` have spent; for an e-mail only the first is named."""

    spending: Spending
    source: SpendingSource
    customer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpendingLookUp:
    """Looks up spending within ``seconds``. Returns None where Firestore did not answer in time; a
    customer without orders, in contrast, is known to have spent nothing."""

    database: Database
    seconds: float = LIMIT_SECONDS

    def find(
        self, org_id: str, *, email: str | None = None, customer_id: str | None = None
    ) -> KnownSpending | None:
        """By the e-mail, else by the customer id, else from the orders as they are now."""
        return self._in_time(org_id, lambda database: _find(database, org_id, email, customer_id))

    def of_person(self, org_id: str, customer_id: str) -> KnownSpending | None:
        """By the customer id, together with all duplicates of the customer."""
        return self._in_time(org_id, lambda database: _of_person(database, org_id, customer_id))

    def of_each(self, org_id: str, customer_ids: Iterable[str]) -> dict[str, Spending]:
        """By customer id, each on its own; without those for whom the time was too short."""
        found: dict[str, Spending] = {}

        def look_up(database: Database) -> None:
            found.update((i, spent) for i, spent, _ in _each(database, org_id, customer_ids))

        self._in_time(org_id, look_up)
        return found

    def _in_time(self, org_id: str, look_up: Callable[[Database], T]) -> T | None:
        try:
            return look_up(self.database.within(self.seconds))
        except TimedOut:
            log.warning("spending_unknown", org_id=org_id)
            return None


def _find(
    database: Database, org_id: str, email: str | None, customer_id: str | None
) -> KnownSpending:
    ids = [customer_id] if customer_id else []
    key = normal_email(email)
    if identifies(key):
        kept = database.get(spending.spending_path(org_id, key))
        if kept.exists:
            found = customers.spending_in(kept.fields)
            return KnownSpending(found, SpendingSource.EMAIL, (kept.fields["customerId"],))
        ids = ids or [i for _, i in customers.having(database, org_id, "email", [key])]
    return _of_records(database, org_id, ids)


def _of_person(database: Database, org_id: str, customer_id: str) -> KnownSpending:
    def read(wanted: str) -> dict[str, str]:
        path = f"{paths.customers(org_id)}/{wanted}"
        return dict(database.get_all([path], customers.LINK_FIELDS)[path].fields)

    fields = read(customer_id)
    primary = fields.get("duplicateOf") or customer_id
    if primary != customer_id:
        fields = read(primary)
    return _of_records(database, org_id, [primary, *(fields.get("duplicateIds") or ())])


def _of_records(database: Database, org_id: str, customer_ids: Iterable[str]) -> KnownSpending:
    """The spending of the customers together; from orders where that of one of them is."""
    together, source, ids = Spending(), SpendingSource.CUSTOMER, []
    for customer_id, spent, where in _each(database, org_id, customer_ids):
        together += spent
        source = SpendingSource.ORDERS if where is SpendingSource.ORDERS else source
        ids.append(customer_id)
    return KnownSpending(together, source, tuple(ids))


def _each(
    database: Database, org_id: str, customer_ids: Iterable[str]
) -> Iterator[tuple[str, Spending, SpendingSource]]:
    """By id, what each customer's spending document says or, without one, the orders."""
    ids = sorted(set(customer_ids), key=natural_key)
    where = {i: spending.spending_path(org_id, spending.id_key(i)) for i in ids}
    kept = database.get_all(list(where.values()))
    for customer_id, path in where.items():
        if kept[path].exists:
            spent = customers.spending_in(kept[path].fields)
            yield customer_id, spent, SpendingSource.CUSTOMER
        else:
            spent = orders.spending_of(database, org_id, customer_id)
            yield customer_id, spent, SpendingSource.ORDERS
