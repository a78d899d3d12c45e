"""Looking up what somebody has spent: by e-mail, by customer id, or from the orders themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from shared.domain.customers import identifies, normal_email
from shared.domain.ids import natural_key
from shared.domain.spending import Spending
from shared.store import customers, orders, paths, spending
from shared.store.database import Database, TimedOut

LIMIT_SECONDS = 8.0

log = structlog.get_logger(__name__)


class SpendingSource(StrEnum):
    """Where a figure was found."""

    EMAIL = "email"
    CUSTOMER = "customer"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class KnownSpending:
    """What somebody has spent. ``customer_ids`` are whose it is, of an e-mail's the first."""

    spending: Spending
    source: SpendingSource
    customer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpendingLookUp:
    """Looks spending up. ``seconds`` is how long one look-up may take, all in all.

    None is "unknown": Firestore did not answer in time. A customer without orders, in contrast, is
    known to have spent nothing.
    """

    database: Database
    seconds: float = LIMIT_SECONDS

    def find(
        self, org_id: str, *, email: str | None = None, customer_id: str | None = None
    ) -> KnownSpending | None:
        """By the e-mail, else by the customer id, else from the orders as they are now."""
        try:
            return _find(self.database.within(self.seconds), org_id, email, customer_id)
        except TimedOut:
            log.warning("spending_unknown", org_id=org_id)
            return None

    def of_person(self, org_id: str, customer_id: str) -> KnownSpending | None:
        """By all records of the person of whom that customer is one."""
        database = self.database.within(self.seconds)
        try:
            return _of_records(database, org_id, _records_of_person(database, org_id, customer_id))
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


def _records_of_person(database: Database, org_id: str, customer_id: str) -> list[str]:
    def read(wanted: str) -> dict[str, str]:
        path = f"{paths.customers(org_id)}/{wanted}"
        return dict(database.get_all([path], customers.LINK_FIELDS)[path].fields)

    fields = read(customer_id)
    primary = fields.get("duplicateOf") or customer_id
    if primary != customer_id:
        fields = read(primary)
    return [primary, *(fields.get("duplicateIds") or ())]


def _of_records(database: Database, org_id: str, customer_ids: Iterable[str]) -> KnownSpending:
    """The records together, each by its own document, else from its orders."""
    ids = sorted(set(customer_ids), key=natural_key)
    where = {i: spending.spending_path(org_id, spending.id_key(i)) for i in ids}
    kept = database.get_all(list(where.values()))
    together, source = Spending(), SpendingSource.CUSTOMER
    for customer_id, path in where.items():
        if kept[path].exists:
            together += customers.spending_in(kept[path].fields)
        else:
            together += orders.spending_of(database, org_id, customer_id)
            source = SpendingSource.ORDERS
    return KnownSpending(together, source, tuple(ids))
