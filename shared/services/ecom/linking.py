"""Imported eCom orders are linked to their sales and customers, whichever is stored first.

An import looks for what is stored already (``importing``). A session notes the eCom sales and the
customers that it stores, and looks, once these are committed and before anything says so, for the
imported orders that waited for them. Of an import that was under way at the same time a session
may know nothing: the next run that ends compares all waiting orders once (``settle``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.batches import batched
from shared.domain.customers import MAX_SHARING, Customer
from shared.domain.ecom import EcomState, match_keys
from shared.domain.ids import natural_key
from shared.domain.orders import Order, external_id_of
from shared.domain.providers import LIGHTSPEED
from shared.store import customers, ecom, ecom_imports
from shared.store.database import Database, Write
from shared.store.ecom import Found, StoredEcomOrder, StoredSale
from shared.store.status import SyncProgress

WAITING_AT_ONCE = 300
"""Waiting orders that are compared at once."""
KEYS_LOOKED_UP = 300
"""Beyond so many e-mails and numbers of changed customers all waiting orders are compared."""


@dataclass(slots=True)
class Linked:
    """Writes that link orders, and the customers whose spending they change; ``losers`` are those
    who lose an order to another."""

    writes: list[Write] = field(default_factory=list)
    customer_ids: set[str] = field(default_factory=set)
    losers: set[str] = field(default_factory=set)

    def supersede(self, org_id: str, order: StoredEcomOrder, sale: StoredSale, run_id: str) -> None:
        """Have the sale count in place of the order. Its customer is named though that be stored
        already: a worker may have died between that and asking for the spending."""
        self.writes += ecom.supersede(org_id, order, sale, run_id=run_id)
        if order.customer_id:
            self.customer_ids.add(order.customer_id)

    def match(self, org_id: str, order: StoredEcomOrder, customer_id: str, run_id: str) -> None:
        """Have an order that is not superseded count for the customer, whoever had it before."""
        if order.customer_id == customer_id:
            return
        self.writes += ecom.match(org_id, order, customer_id, run_id=run_id)
        self.customer_ids.add(customer_id)
        if order.customer_id:
            self.losers.add(order.customer_id)


@dataclass(slots=True)
class EcomLinks:
    """What one session links. ``progress`` is the session's."""

    database: Database
    org_id: str
    run_id: str
    progress: SyncProgress
    _sales: dict[str, StoredSale] = field(default_factory=dict)
    _keys: set[str] = field(default_factory=set)

    def note_sales(self, stored: Iterable[Order]) -> None:
        """Note sales that were given to the session to store. A return supersedes nothing; a sale
        without a number matters only where orders were imported: an export may name it by its
        id."""
        imported = self.progress.ecom_import is not None
        for order in stored:
            wanted = order.ecom_number is not None or imported
            if wanted and order.source == LIGHTSPEED and order.total_cents >= 0:
                sale = StoredSale(order.id, order.ecom_number, order.total_cents)
                self._sales[order.id] = sale

    def forget_sale(self, order_id: str) -> None:
        """The sale is not stored: Firestore refuses it."""
        self._sales.pop(order_id, None)

    def note_customers(self, stored: Iterable[Customer]) -> None:
        """Note customers that were given to the session to store."""
        if self.progress.ecom_import is not None:
            for customer in stored:
                self._keys.update(match_keys(customer.email, customer.phone))

    @property
    def noted(self) -> bool:
        """Whether anything is to be looked for."""
        return bool(self._sales or self._keys)

    def look(self) -> Linked:
        """Look for the orders that waited for what was noted, which is stored now."""
        linked = Linked()
        sales, self._sales = self._sales, {}
        # Before their sales: whichever is written last says what an order's state is.
        self._match_noted(linked)
        numbered = {sale.ecom_number: sale for sale in sales.values() if sale.ecom_number}
        if numbered:
            found = ecom.of_numbers(self.database, self.org_id, numbered)
            for number, order in found.items():
                linked.supersede(self.org_id, order, numbered[number], self.run_id)
        if self.progress.ecom_import is not None:
            others = {
                external_id_of(sale.id): sale for sale in sales.values() if not sale.ecom_number
            }
            for order in ecom.of_sales(self.database, self.org_id, others.keys()):
                linked.supersede(self.org_id, order, others[str(order.sale_id)], self.run_id)
        if self.progress.ecom_import is not None and (linked.writes or numbered):
            self.progress.ecom_changed = True
        return linked

    def _match_noted(self, linked: Linked) -> None:
        """Match the orders that have a key of the customers that were noted: a customer with the
        e-mail takes precedence over one with the number, whichever was stored first."""
        keys, self._keys = self._keys, set()
        if len(keys) > KEYS_LOOKED_UP:
            self.progress.ecom_linked = None
            return
        found = ecom.with_keys(self.database, self.org_id, sorted(keys))
        orders = {order.number: order for order in found if not order.superseded_by}
        wanted = {number: order.keys for number, order in orders.items()}
        for number, owner in owners_of(self.database, self.org_id, wanted).items():
            linked.match(self.org_id, orders[number], owner, self.run_id)

    @property
    def to_settle(self) -> bool:
        """Whether the waiting orders of an import are still to be compared with what is stored."""
        return self.progress.ecom_import != self.progress.ecom_linked

    def settle(self) -> Linked:
        """Link every waiting order whose sale or customer is stored."""
        linked = link_waiting(
            self.database,
            self.org_id,
            ecom.in_states(self.database, self.org_id, EcomState.UNMATCHED, EcomState.WAITING),
            self.run_id,
        )
        self.progress.ecom_linked = self.progress.ecom_import
        self.progress.ecom_changed = True
        return linked


def link_waiting(
    database: Database, org_id: str, waiting: Iterable[StoredEcomOrder], run_id: str
) -> Linked:
    """Link those of the orders whose sales or customers are stored."""
    linked = Linked()
    for batch in batched(waiting, WAITING_AT_ONCE):
        sale_ids = {order.number: order.sale_id for order in batch if order.sale_id}
        numbers = [order.number for order in batch]
        found = ecom.look_up(database, org_id, numbers, sale_ids, LIGHTSPEED)
        left = {}
        for order in batch:
            if sale := found.sales.get(order.number):
                linked.supersede(org_id, order, sale, run_id)
            elif order.keys:
                left[order.number] = order
        owners = owners_of(database, org_id, {n: o.keys for n, o in left.items()})
        for number, customer_id in owners.items():
            linked.match(org_id, left[number], customer_id, run_id)
    return linked


def owners_of(database: Database, org_id: str, keys: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The customer of each order, by number, from the orders' keys, the strongest first; of
    several customers the first by id. A telephone number that more than MAX_SHARING customers
    have is a filler."""
    wanted = {key for each in keys.values() for key in each}
    emails = {key for key in wanted if "@" in key}
    known = customers.ids_by(database, org_id, "email", emails) if emails else {}
    sharing: dict[str, list[str]] = {}
    if phones := wanted - emails:
        for phone, customer_id in customers.having(database, org_id, "phoneE164", phones):
            sharing.setdefault(phone, []).append(customer_id)
    for phone, ids in sharing.items():
        if len(ids) <= MAX_SHARING:
            known[phone] = min(ids, key=natural_key)
    found = {n: next((known[k] for k in each if k in known), None) for n, each in keys.items()}
    return {number: customer_id for number, customer_id in found.items() if customer_id}


def figures(database: Database, org_id: str) -> dict[str, int]:
    """The figures of an org's eCom orders as its status shows them; counted by Firestore, without
    reading the orders."""
    superseded = ecom.count(database, org_id, EcomState.SUPERSEDED)
    unmatched = ecom.count(database, org_id, EcomState.UNMATCHED)
    waiting = ecom.count(database, org_id, EcomState.WAITING) + unmatched
    missing = ecom_imports.read_missing(database, org_id)
    return {
        "imported": superseded + waiting,
        "superseded": superseded,
        "waiting": waiting,
        "unmatched": unmatched,
        "missing": missing.count - len(sold_of(database, org_id, missing.listed)),
        "differing": ecom.count_differing(database, org_id),
    }


def sold_of(database: Database, org_id: str, numbers: Iterable[int]) -> set[int]:
    """Those of the numbers that no import had of which a sale is stored."""
    found: Found = ecom.look_up(database, org_id, map(str, numbers), {}, LIGHTSPEED)
    return {int(number) for number in found.sales}
