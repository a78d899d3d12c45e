"""How complete an org's orders of the web shop are: what no import had, what waits for its sale,
and where export and till differ about an amount."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.clock import Clock
from shared.domain.ecom import EcomState, age_of
from shared.domain.orders import OrderStatus
from shared.services.ecom.linking import sold_of
from shared.store import customers, ecom, ecom_imports
from shared.store.database import Database
from shared.store.ecom import StoredEcomOrder

LISTED = 1_000
"""Numbers and differences that a report lists."""


@dataclass(frozen=True, slots=True)
class AmountDifference:
    """An order whose sale has another total, in cents."""

    number: str
    order_cents: int | None
    sale_id: str
    sale_cents: int | None


@dataclass(frozen=True, slots=True)
class Completeness:
    """``missing`` are numbers between the first order and the last that are neither imported nor
    on a sale, ``missing_count`` how many there are; ``waiting_by_age`` counts the orders without a
    sale by their age in days (``domain.ecom.age_of``), ``oldest_waiting`` is when the first of
    them was made. ``differing`` lists the first LISTED of ``differing_count``."""

    first: int | None
    last: int | None
    imported: int
    superseded: int
    unmatched: int
    missing_count: int
    missing: Sequence[int]
    waiting_by_age: dict[str, int]
    oldest_waiting: datetime | None
    differing_count: int
    differing: Sequence[AmountDifference]


@dataclass(slots=True)
class BuyerOrders:
    """A buyer's orders of the web shop, by number. ``cents`` is the total of those that are paid;
    ``retail_orders`` how many others the customer has, None where that is not known."""

    email: str
    customer_id: str | None
    cents: int = 0
    paid: int = 0
    synced: list[int] = field(default_factory=list)
    not_synced: list[int] = field(default_factory=list)
    retail_orders: int | None = None

    @property
    def numbers(self) -> list[int]:
        """All of them."""
        return sorted([*self.synced, *self.not_synced])

    @property
    def status(self) -> str:
        """What became of them."""
        if self.customer_id is None:
            return "No customer"
        if not self.not_synced:
            return "Synced"
        return "Partly synced" if self.synced else "Not synced"


@dataclass(frozen=True, slots=True)
class EcomCompleteness:
    """Reports on the orders that were imported. It reads all of them."""

    database: Database
    clock: Clock

    def report(self, org_id: str) -> Completeness:
        """The whole org's figures."""
        now = self.clock()
        states, ages = Counter[EcomState](), Counter[str]()
        oldest: datetime | None = None
        differing: list[AmountDifference] = []
        differing_count = 0
        for order in self._orders(org_id):
            states[order.state] += 1
            if order.differs and order.superseded_by:
                differing_count += 1
                if len(differing) < LISTED:
                    difference = AmountDifference(
                        order.number,
                        order.total_cents,
                        order.superseded_by,
                        order.sale_total_cents,
                    )
                    differing.append(difference)
            if order.state is not EcomState.SUPERSEDED and isinstance(order.created_at, datetime):
                ages[age_of(order.created_at, now)] += 1
                oldest = min(oldest or order.created_at, order.created_at)
        missing = ecom_imports.read_missing(self.database, org_id)
        sold = sold_of(self.database, org_id, missing.listed)
        return Completeness(
            first=missing.first,
            last=missing.last,
            imported=states.total(),
            superseded=states[EcomState.SUPERSEDED],
            unmatched=states[EcomState.UNMATCHED],
            missing_count=missing.count - len(sold),
            missing=[number for number in missing.listed if number not in sold][:LISTED],
            waiting_by_age=dict(ages),
            oldest_waiting=oldest,
            differing_count=differing_count,
            differing=differing,
        )

    def buyers(self, org_id: str) -> list[BuyerOrders]:
        """Who ordered in the web shop, by e-mail."""
        found: dict[tuple[str, str | None], BuyerOrders] = {}
        for order in self._orders(org_id):
            key = order.email or "", order.customer_id
            buyer = found.setdefault(key, BuyerOrders(*key))
            synced = order.state is EcomState.SUPERSEDED
            (buyer.synced if synced else buyer.not_synced).append(int(order.number))
            if order.status.status == OrderStatus.COMPLETED:
                buyer.paid += 1
                buyer.cents += order.total_cents or 0
        self._add_retail_orders(org_id, found.values())
        return sorted(found.values(), key=lambda buyer: (buyer.email, buyer.customer_id or ""))

    def _orders(self, org_id: str) -> Iterator[StoredEcomOrder]:
        return ecom.in_states(self.database, org_id, *EcomState)

    def _add_retail_orders(self, org_id: str, buyers: Iterable[BuyerOrders]) -> None:
        """A customer's other orders: all that count, but for those of the web shop, each of which
        counts as itself or as its sale."""
        known = [buyer for buyer in buyers if buyer.customer_id]
        ecom_orders = Counter[str]()
        for buyer in known:
            ecom_orders[str(buyer.customer_id)] += buyer.paid
        counts = customers.order_counts(self.database, org_id, ecom_orders)
        for buyer in known:
            customer_id = str(buyer.customer_id)
            if customer_id in counts:
                buyer.retail_orders = max(0, counts[customer_id] - ecom_orders[customer_id])
