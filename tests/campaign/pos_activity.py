"""What happens at the POS meanwhile: its own data changes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.simulator.org import Org
from deploy.local.simulator.seed.calendar import local_text, utc_text
from deploy.local.simulator.truth import Truth, instant
from tests.campaign.hostile_records import is_ordinary

Record = dict[str, Any]

GUEST = {"id_customer": None, "name_first": "Guest", "name_last": "", "email": "", "phone": ""}
STATUSES = ("completed", "completed", "completed", "ready", "pending", "cancelled")
WEBHOOK_SHARE = 0.3
MARGIN_DAYS = 5
"""An order this near to the end of the look-back may be out of it by the time of the last run."""


@dataclass(frozen=True, slots=True)
class PosActivity:
    """Sales and changes at one org. ``now``: the moment it thinks it is; orders older than
    ``lookback_days`` are not touched, since no run would hear of it. ``webhooks`` gathers what it
    sends by itself."""

    org: Org
    dice: Random
    now: datetime
    lookback_days: int
    webhooks: list[bytes] = field(default_factory=list)

    def business(self, strokes: int) -> list[str]:
        """So many things happen; what they were."""
        kinds: tuple[Callable[[], str], ...] = (
            *(self.sale,) * 4,
            *(self.changed_order,) * 3,
            *(self.moved_order,) * 3,
            self.refund,
            *(self.new_customer,) * 2,
            self.new_email,
            self.shared_email,
            self.new_name,
            self.new_price,
            self.dropped_product,
        )
        return [self.dice.choice(kinds)() for _ in range(strokes)]

    def sale(self) -> str:
        """A new order: of a customer, or of nobody."""
        who = GUEST if self.dice.random() < 0.1 else buyer_fields(self._customer())
        return self._sell(who, round(self.dice.uniform(5, 200), 2))

    def refund(self) -> str:
        """Money back: an order of its own with a negative total."""
        return self._sell(
            buyer_fields(self._customer()), -round(self.dice.uniform(5, 60), 2), "completed"
        )

    def changed_order(self) -> str:
        """Another total, or another state."""
        # A refund's sign says more than its state: it is left as it is.
        order = self._order(lambda order: float(order["total"]) > 0)
        change: Record = {"total": round(self.dice.uniform(5, 300), 2)}
        if order["type"] != "retail" or self.dice.random() < 0.3:
            change = {"status": self.dice.choice(STATUSES)}
        return self._change_order(order, change)

    def moved_order(self) -> str:
        """The order was another customer's."""
        return self._change_order(self._order(lambda _: True), buyer_fields(self._customer()))

    def new_customer(self) -> str:
        """A customer signs up, and mostly buys at once."""
        pattern = self._customer()
        key = 1 + max(customer["id_customer"] for customer in self._customers())
        email = self.dice.choice((f"new.{key}@example.com", f"new.{key}@example.com", "", None))
        record = {**pattern, "id_customer": key, "email": email, "date_created": utc_text(self.now)}
        record.pop("user_id", None)
        self.org.dataset.customers.put(record)
        bought = (
            self._sell(buyer_fields(record), 25.0) if self.dice.random() < 0.7 else "bought nothing"
        )
        return f"customer {key} signed up: {bought}"

    def new_email(self) -> str:
        """A customer has another e-mail, or none any more."""
        customer = self._free_customer()
        if customer is None:
            return self.new_name()
        key = customer["id_customer"]
        email = self.dice.choice((f"other.{self.dice.randrange(1000)}.{key}@example.com", ""))
        return self._change_customer(key, {"email": email})

    def shared_email(self) -> str:
        """A customer takes the e-mail of another: a household."""
        one, other = self._free_customer(), self._free_customer()
        if one is None or other is None:
            return self.new_name()
        return self._change_customer(one["id_customer"], {"email": other["email"]})

    def new_name(self) -> str:
        """Someone marries, or a clerk corrects a slip."""
        key = self._customer()["id_customer"]
        return self._change_customer(key, {"name_last": f"Renamed{self.dice.randrange(1000)}"})

    def new_price(self) -> str:
        """A product costs more, or less."""
        item = self._item()
        price = self.dice.randint(5, 90)
        for row in self._rows(item):
            changed = {name: price for name in row if name.startswith("price_otd")}
            self.org.dataset.inventory.put({**row, **changed})
        self._send_webhook("inventory.updated", {"id_item": item})
        return f"product {item} costs {price}"

    def dropped_product(self) -> str:
        """A product is not sold any more."""
        item = self._item()
        table = self.org.dataset.inventory
        table.replace([row for row in table if row["id_item"] != item])
        return f"product {item} dropped"

    def _sell(self, who: Record, total: float, status: str | None = None) -> str:
        orders = self._orders()
        pattern = self.dice.choice([order for order in orders if order["type"] == "retail"])
        key = 1 + max(order["id_order"] for order in orders)
        local = self.now.astimezone(ZoneInfo(self.org.spec.timezone))
        order = {
            **pattern,
            **who,
            "id_order": key,
            "total": total,
            "status": status or self.dice.choice((None, *STATUSES)),
            "date_created": local_text(local),
            "date_updated": utc_text(self.now),
        }
        self.org.dataset.orders.put(order)
        self._send_webhook("order.created", {"id_order": key})
        return f"order {key} of {who['id_customer']} over {total}"

    def _change_order(self, order: Record, fields: Record) -> str:
        key = order["id_order"]
        self.org.dataset.orders.change(str(key), {**fields, "date_updated": utc_text(self.now)})
        self._send_webhook("order.updated", {"id_order": key})
        what = {k: v for k, v in fields.items() if k in ("total", "status", "id_customer")}
        return f"order {key} now {what}"

    def _change_customer(self, key: int, fields: Record) -> str:
        self.org.dataset.customers.change(str(key), fields)
        self._send_webhook("customer.updated", {"id_customer": key})
        return f"customer {key} now {fields}"

    def _send_webhook(self, event: str, data: Record) -> None:
        if self.dice.random() < WEBHOOK_SHARE:
            event_body = {"event": event, "data": data, "event_id": f"e{self.dice.getrandbits(48)}"}
            self.webhooks.append(json.dumps(event_body).encode())

    def _order(self, fits: Callable[[Record], bool]) -> Record:
        young = filter(self._is_young, self._orders())
        return self.dice.choice(list(filter(fits, young)))

    def _is_young(self, order: Record) -> bool:
        oldest = self.now - timedelta(days=self.lookback_days - MARGIN_DAYS)
        return instant(order["date_created"], self.org.spec.timezone) > oldest

    def _orders(self) -> list[Record]:
        return list(filter(is_ordinary, self.org.dataset.orders))

    def _customers(self) -> list[Record]:
        return list(filter(is_ordinary, self.org.dataset.customers))

    def _customer(self) -> Record:
        return self.dice.choice(self._customers())

    def _free_customer(self) -> Record | None:
        """A customer whose e-mail is all that no order goes by: such orders stay with whom they
        were stored for, which an undisturbed first sync could not know. In the rest style, whose
        orders say the e-mail that their customer has now, one without old orders either."""
        everybody = self._customers()
        truth = Truth({"customers": everybody, "orders": []}, self.org.spec.timezone)
        follows = self.org.spec.api_style == "rest"
        bound = {
            found
            for order in self._orders()
            for found, by in [truth.buyer_of(order)]
            if by in ("email", "stranger") or (follows and not self._is_young(order))
        }
        emails = {(c["email"] or "").lower() for c in everybody if c["id_customer"] in bound}
        free = [
            customer
            for customer in everybody
            if customer["email"] and customer["email"].lower() not in emails
        ]
        return self.dice.choice(free) if free else None

    def _item(self) -> int:
        items: set[int] = {
            row["id_item"] for row in filter(is_ordinary, self.org.dataset.inventory)
        }
        return self.dice.choice(sorted(items))

    def _rows(self, item: int) -> list[Record]:
        rows = filter(is_ordinary, self.org.dataset.inventory)
        return [row for row in rows if row["id_item"] == item]


def buyer_fields(customer: Record) -> Record:
    """What an order says of its buyer."""
    fields = ("id_customer", "name_first", "name_last", "email", "phone")
    return {name: customer[name] for name in fields} | {"user_id": customer.get("user_id")}


def utc(later: timedelta) -> datetime:
    """The present, ``later`` on."""
    return datetime.now(UTC) + later
