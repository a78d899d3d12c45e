"""What the POS changes of orders placed weeks ago, and the few records that it deletes.

It sends no webhook about either: only a run that reads those days again can notice.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.simulator.org import Org
from deploy.local.simulator.seed.calendar import local_text, utc_text
from deploy.local.simulator.truth import Truth, instant
from tests.campaign.hostile_records import is_ordinary
from tests.campaign.pos_activity import buyer_fields

Record = dict[str, Any]

OLDEST_DAYS = 80
LATE_FROM_DAYS = 11


@dataclass(frozen=True, slots=True)
class Lateness:
    """What is drawn for one org: after the ``tick``-th tick (0-based; one more than there are: when
    all faults are over) so many orders change late, and so many orders and customers are
    deleted."""

    org_id: str
    tick: int
    changes: int
    deleted_orders: int
    deleted_customers: int

    def __str__(self) -> str:
        return (
            f"{self.org_id} after tick {self.tick + 1}: {self.changes} late changes,"
            f" {self.deleted_orders} orders and {self.deleted_customers} customers deleted"
        )


@dataclass(frozen=True, slots=True)
class Deleted:
    """Records that the POS deleted, by their own ids; the e-mails are the customers'. ``stored``
    are those of them that were stored by then, by the ids of their documents."""

    orders: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)

    def note_stored(self, documents: Collection[str]) -> None:
        """Note which of them are stored. What was deleted earlier stays as it was noted."""
        gone = self.customers | {f"alleaves_{key}" for key in self.orders}
        self.stored.update(gone.intersection(documents))


def draw(
    dice: Random, org_ids: Collection[str], ticks: int, *, changes: bool, deletions: bool
) -> tuple[Lateness, ...]:
    """Now and then something for an org."""
    found = []
    for org_id in org_ids:
        likely = dice.random() < 0.4
        drawn = Lateness(
            org_id,
            dice.choice((*range(ticks), ticks, ticks, ticks)),
            dice.randint(1, 5),
            dice.choice((0, 0, 1, 2)),
            dice.choice((0, 0, 0, 1)),
        )
        if likely:
            found.append(drawn)
    return tuple(
        Lateness(
            each.org_id,
            each.tick,
            each.changes if changes else 0,
            each.deleted_orders if deletions else 0,
            each.deleted_customers if deletions else 0,
        )
        for each in found
        if changes or deletions
    )


@dataclass(frozen=True, slots=True)
class LateChanges:
    """Changes one org's old orders. ``now``: the moment it thinks it is."""

    org: Org
    dice: Random
    now: datetime

    def apply(self, lateness: Lateness, deleted: Deleted) -> Iterator[str]:
        """Let it happen; what it was. What is deleted is added to ``deleted``."""
        kinds: tuple[Callable[[], str], ...] = (
            self._cancel,
            self._refund,
            self._move,
            self._enter_late,
            self._change_with_older_time,
        )
        for _ in range(lateness.changes):
            yield f"late: {self.dice.choice(kinds)()}"
        for _ in range(lateness.deleted_orders):
            key = self._deletable_order()["id_order"]
            self.org.dataset.orders.remove(str(key))
            deleted.orders.add(str(key))
            yield f"order {key} deleted"
        for _ in range(lateness.deleted_customers):
            yield self._delete_customer(deleted)

    def _cancel(self) -> str:
        return self._change({"status": "cancelled"})

    def _refund(self) -> str:
        order = self._old_order()
        total = -abs(float(order["total"]))
        return self._change({"total": total, "status": "completed"}, order)

    def _move(self) -> str:
        return self._change(buyer_fields(self.dice.choice(self._customers())))

    def _change_with_older_time(self) -> str:
        order = self._old_order()
        before = instant(order["date_updated"], self.org.spec.timezone)
        fields = {"total": round(self.dice.uniform(5, 300), 2), "status": "completed"}
        return self._change(fields, order, before - timedelta(days=1))

    def _enter_late(self) -> str:
        orders = self._orders()
        placed = self.now - timedelta(days=self.dice.uniform(LATE_FROM_DAYS, OLDEST_DAYS))
        template = self.dice.choice([order for order in orders if order["type"] == "retail"])
        key = 1 + max(order["id_order"] for order in orders)
        who = buyer_fields(self.dice.choice(self._customers()))
        order = {
            **template,
            **who,
            "id_order": key,
            "total": round(self.dice.uniform(5, 200), 2),
            "status": "completed",
            "date_created": local_text(placed.astimezone(ZoneInfo(self.org.spec.timezone))),
            "date_updated": utc_text(self.now),
        }
        self.org.dataset.orders.put(order)
        return f"order {key} of {who['id_customer']} entered for {placed:%Y-%m-%d}"

    def _change(
        self, fields: Record, order: Record | None = None, updated: datetime | None = None
    ) -> str:
        order = order or self._old_order()
        key = order["id_order"]
        changed = {**fields, "date_updated": utc_text(updated or self.now)}
        self.org.dataset.orders.change(str(key), changed)
        shown = ("total", "status", "id_customer", "date_updated")
        what = {name: changed[name] for name in shown if name in changed}
        return f"order {key} of {order['date_created'][:10]} now {what}"

    def _delete_customer(self, deleted: Deleted) -> str:
        """Delete one who shares nothing with anybody, with all the orders."""
        orders, customers = self._orders(), self._customers()
        truth = Truth({"customers": customers, "orders": orders}, self.org.spec.timezone)
        of: dict[Any, list[Record]] = {customer["id_customer"]: [] for customer in customers}
        for order in orders:
            if (buyer := truth.buyers[order["id_order"]]) is not None:
                of[buyer].append(order)
        emails = [(customer["email"] or "").lower() for customer in customers]
        newest = max(order["id_order"] for order in orders)
        newest_customer = max(of)
        alone = [
            customer
            for customer, email in zip(customers, emails, strict=True)
            if email
            and emails.count(email) == 1
            and not customer["phone"]
            and not customer.get("user_id")
            and customer["id_customer"] != newest_customer
            and all(
                self._age_days(order) < OLDEST_DAYS and order["id_order"] != newest
                for order in of[customer["id_customer"]]
            )
        ]
        if not alone:
            return "no customer could be deleted"
        customer = self.dice.choice(alone)
        key = customer["id_customer"]
        gone = [str(order["id_order"]) for order in of[key]]
        for order_id in gone:
            self.org.dataset.orders.remove(order_id)
        self.org.dataset.customers.remove(str(key))
        deleted.orders.update(gone)
        deleted.customers.add(str(key))
        deleted.emails.add(str(customer["email"]).lower())
        return f"customer {key} deleted, with orders {gone}"

    def _old_order(self) -> Record:
        ages = ((order, self._age_days(order)) for order in self._orders())
        return self.dice.choice([o for o, age in ages if LATE_FROM_DAYS <= age <= OLDEST_DAYS])

    def _deletable_order(self) -> Record:
        """A stored one, and not the newest by id: the next one's id follows from that."""
        orders = self._orders()
        truth = Truth({"customers": self._customers(), "orders": orders}, self.org.spec.timezone)
        newest = max(order["id_order"] for order in orders)
        return self.dice.choice(
            [
                order
                for order in orders
                if truth.buyers[order["id_order"]] is not None
                and order["id_order"] != newest
                and 0 <= self._age_days(order) <= OLDEST_DAYS
            ]
        )

    def _age_days(self, order: Record) -> float:
        placed = instant(order["date_created"], self.org.spec.timezone)
        return (self.now - placed) / timedelta(days=1)

    def _orders(self) -> list[Record]:
        return list(filter(is_ordinary, self.org.dataset.orders))

    def _customers(self) -> list[Record]:
        return list(filter(is_ordinary, self.org.dataset.customers))
