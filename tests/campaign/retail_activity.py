"""What happens at a retailer of the simulated X-Series, and at its eCom shop, meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from deploy.local.simulator.lightspeed.retailer import SimulatedRetailer
from deploy.local.simulator.lightspeed.seed.ids import dollars, iso_text, record_id
from deploy.local.simulator.lightspeed.seed.people import new_person
from deploy.local.simulator.lightspeed.seed.sale import STATES
from deploy.local.simulator.lightspeed.truth import address_of
from deploy.local.simulator.org import Org
from deploy.local.simulator.table import encode
from tests.campaign.hostile_records import is_ordinary

Record = dict[str, Any]

SECRET_NOTE = "campaign note, to be stored nowhere"
"""In notes of customers, sales and lines."""
NOTED_SHARE = 0.3
AGE_MINUTES = (120, 720)
"""Of a new sale, of which one of the eCom shop is the youngest. To a worker that is at work while a
day passes in no time, one of that moment is of the day after tomorrow: such a sale is quarantined,
and X-Series does not list it again."""
HEARD_SHARE, LATE_SHARE = 0.35, 0.15
"""Of the webhooks, that come at once and that come with what happens next. The others are lost."""
UNNAMED_SHARE = 0.1
"""Of the webhooks, that do not say of what kind they are."""
SHARED_EMAILS = 3
"""With customers at Alleaves, where an org is at both."""
_KINDS = {
    "sales": "sale.update",
    "customers": "customer.update",
    "products": "product.update",
    "inventory": "inventory.update",
}


@dataclass(slots=True)
class Unheard:
    """What is still to come: webhooks, and customers whose sales are there already."""

    webhooks: list[bytes] = field(default_factory=list)
    customers: list[Record] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RetailActivity:
    """Sales and changes at one retailer. ``now``: the moment it thinks it is. ``webhooks`` gathers
    what it sends by itself, ``unheard`` what comes later. Without ``deletions`` nothing goes."""

    retailer: SimulatedRetailer
    dice: Random
    now: datetime
    unheard: Unheard
    deletions: bool
    webhooks: list[bytes] = field(default_factory=list)

    def open(self, elsewhere: Org | None) -> None:
        """Write notes before anything is synced; and nobody has another's telephone number at the
        POS where the org is ``elsewhere``: an eCom order is his who is stored first, of those whom
        it may be matched with."""
        for kind in ("sales", "customers"):
            table = self.retailer.data.table(kind)
            for row in list(table):
                if self.dice.random() < NOTED_SHARE:
                    note = f"{row['note'] or ''}\n{SECRET_NOTE}"
                    table.change(row["id"], {"note": note, "updated_at": row["updated_at"]})
        if elsewhere is not None:
            people = elsewhere.dataset.customers
            people.replace([{**person, "phone": ""} for person in people])
            self._share_emails([person["email"] for person in people if address_of(person)])

    def _share_emails(self, emails: list[str]) -> None:
        """Some people are customers at both."""
        for _ in range(SHARED_EMAILS):
            customer = self._free_customer()
            if customer is not None and emails:
                fields = {"email": self.dice.choice(emails), "updated_at": customer["updated_at"]}
                self.retailer.data.table("customers").change(customer["id"], fields)

    def business(self, strokes: int) -> list[str]:
        """So many things happen; what they were."""
        late, self.unheard.webhooks[:] = list(self.unheard.webhooks), []
        self.webhooks.extend(late)
        kinds: tuple[Callable[[], str], ...] = (
            *(self.sale,) * 4,
            self.sale_of_unknown,
            *(self.changed_sale,) * 2,
            *(self.set_status,) * 3,
            self.moved_sale,
            self.returned_sale,
            self.new_customer,
            self.awaited_customer,
            self.new_email,
            self.new_name,
            self.new_price,
            self.new_stock,
            self.dropped_product,
            self.shop_order,
            *(self.arrival,) * 3,
            *((self.deleted_sale, self.deleted_customer) if self.deletions else ()),
        )
        return [self.dice.choice(kinds)() for _ in range(strokes)]

    def sale(self) -> str:
        """A sale over the counter: to a customer, or to nobody."""
        nobody = self.dice.random() < 0.1
        return self._sell(None if nobody else self._customer()["id"])

    def sale_of_unknown(self) -> str:
        """A sale to a customer whose own record comes later."""
        person = self._person()
        self.unheard.customers.append(person)
        return self._sell(person["id"])

    def awaited_customer(self) -> str:
        """One of the customers who have bought already appears."""
        if not self.unheard.customers:
            return self.new_customer()
        person = self.unheard.customers.pop(0)
        self._put("customers", person)
        return f"customer {person['id']} appears"

    def changed_sale(self) -> str:
        """Another total."""
        sale = self._sale(lambda sale: not sale["return_for"])
        total = round(self.dice.uniform(5, 300), 2)
        self._change("sales", sale["id"], {"total_price_incl": total})
        return f"sale {sale['id']} over {total}"

    def set_status(self) -> str:
        """Another of the fourteen states; voided more often than anything else."""
        sale = self._sale(lambda sale: not sale["return_for"])
        status = self.dice.choice((*STATES, *("VOIDED",) * 4, *("CLOSED",) * 3))
        state, attributes = STATES[status]
        fields = {"status": status, "state": state, "attributes": attributes}
        self._change("sales", sale["id"], fields)
        return f"sale {sale['id']} now {status}"

    def moved_sale(self) -> str:
        """The sale was another customer's."""
        sale = self._sale(lambda sale: not sale["return_for"])
        customer = self._customer()
        self._change("sales", sale["id"], {"customer_id": customer["id"]})
        return f"sale {sale['id']} is {customer['id']}'s"

    def returned_sale(self) -> str:
        """Goods come back: a sale of its own that names the first."""
        sale = self._sale(
            lambda sale: (
                sale["status"] == "CLOSED" and sale["source"] == "USER"
                if not (sale["return_for"] or sale["note"])
                else False
            )
        )
        total = -abs(float(sale["total_price_incl"]))
        fields = {"return_for": sale["id"], "total_price_incl": total, "status": "CLOSED"}
        return self._enter(sale, {**fields, "state": "closed", "attributes": []})

    def new_customer(self) -> str:
        """A customer signs up, and mostly buys at once."""
        person = self._person()
        self._put("customers", person)
        bought = self._sell(person["id"]) if self.dice.random() < 0.7 else "bought nothing"
        return f"customer {person['id']} signed up: {bought}"

    def new_email(self) -> str:
        """A customer has another e-mail, or none any more."""
        customer = self._free_customer()
        if customer is None:
            return self.new_name()
        email = self.dice.choice((f"other.{self.dice.getrandbits(32):x}@example.com", "", None))
        self._change("customers", customer["id"], {"email": email})
        return f"customer {customer['id']} has the e-mail {email}"

    def new_name(self) -> str:
        """Someone marries, or a clerk corrects a slip."""
        customer = self._customer()
        last = f"Renamed{self.dice.randrange(1000)}"
        name = f"{customer['first_name']} {last}"
        self._change("customers", customer["id"], {"last_name": last, "name": name})
        return f"customer {customer['id']} is {last}"

    def new_price(self) -> str:
        """A product costs more, or less."""
        product = self._product()
        price = self.dice.randint(5, 90)
        self._change("products", product["id"], {"price_including_tax": price})
        return f"product {product['id']} costs {price}"

    def new_stock(self) -> str:
        """Goods come in, or are sold out."""
        levels = list(self.retailer.data.table("inventory"))
        stock, level = self.dice.choice(levels), self.dice.choice((0, 2, 31))
        fields = {"inventory_level": level, "current_amount": level}
        self._change("inventory", stock["id"], fields)
        return f"stock of {stock['product_id']} at {stock['outlet_id']} is {level}"

    def dropped_product(self) -> str:
        """A product is not sold any more: inactive, or deleted."""
        product = self._product()
        gone = self.deletions and self.dice.random() < 0.5
        fields: Record = {"deleted_at": iso_text(self.now)} if gone else {"is_active": False}
        self._change("products", product["id"], fields)
        return f"product {product['id']} {'deleted' if gone else 'not sold any more'}"

    def shop_order(self) -> str:
        """Somebody who is known orders in the eCom shop. (Who is drawn by the retailer itself may
        be a hostile record.)"""
        data = self.retailer.data
        known = [order for order in data.ecom.values() if order.contact.customer_id]
        youngest = self.now - timedelta(minutes=AGE_MINUTES[0])
        placed = youngest.astimezone(ZoneInfo(self.retailer.spec.timezone))
        order = replace(
            self.dice.choice(known),
            number=max(data.ecom) + 1,
            placed=placed.replace(second=0, microsecond=0),
            sale_id=record_id(self.dice),
        )
        data.ecom[order.number] = order
        data.late.add(order.number)
        return f"eCom order {order.number} placed"

    def arrival(self) -> str:
        """An eCom order that is late arrives at the till."""
        late = sorted(self.retailer.data.late)
        if not late:
            return self.shop_order()
        number = self.dice.choice(late)
        for kind, record in self.retailer.data.arrive(number):
            self._announce(kind, record)
        return f"eCom order {number} arrives"

    def deleted_sale(self) -> str:
        """A sale is deleted; not one of the eCom shop, which would have the order count again."""
        sale = self._sale(lambda sale: sale["source"] == "USER" and not sale["note"])
        self._delete("sales", sale["id"])
        return f"sale {sale['id']} deleted"

    def deleted_customer(self) -> str:
        """A customer who shares nothing with anybody is deleted, with all sales."""
        alone = self._free_customer()
        if alone is None:
            return self.deleted_sale()
        sales = [sale["id"] for sale in self._sales() if sale["customer_id"] == alone["id"]]
        for sale_id in sales:
            self._delete("sales", sale_id)
        self._delete("customers", alone["id"])
        return f"customer {alone['id']} deleted, with sales {sales}"

    def _sell(self, customer_id: str | None) -> str:
        pattern = self._sale(
            lambda sale: sale["source"] == "USER" and not (sale["return_for"] or sale["note"])
        )
        status = self.dice.choice((*("CLOSED",) * 5, "LAYBY", "AWAITING_PICKUP", "SAVED"))
        state, attributes = STATES[status]
        fields = {
            "customer_id": customer_id,
            "status": status,
            "state": state,
            "attributes": attributes,
            "total_price_incl": dollars(self.dice.randint(500, 20_000)),
        }
        return self._enter(pattern, fields)

    def _enter(self, pattern: Record, fields: Record) -> str:
        at = iso_text(self.now - timedelta(minutes=self.dice.randint(*AGE_MINUTES)))
        noted = self.dice.random() < NOTED_SHARE
        sale = {
            **pattern,
            "id": record_id(self.dice),
            "return_ids": [],
            "return_for": None,
            "note": SECRET_NOTE if noted else "",
            "line_items": [{**line, "note": SECRET_NOTE} for line in pattern["line_items"]],
            "created_at": at,
            "sale_date": at,
            "updated_at": iso_text(self.now),
            **fields,
        }
        self._put("sales", sale)
        return f"sale {sale['id']} to {sale['customer_id']} over {sale['total_price_incl']}"

    def _person(self) -> Record:
        key = f"{self.dice.getrandbits(32):x}"
        email = self.dice.choice((f"new.{key}@example.com", f"new.{key}@example.com", "", None))
        now = iso_text(self.now)
        person = new_person(record_id(self.dice), "Nell", f"New{key}", str(email or ""), "", now)
        return {**person, "email": email, "note": SECRET_NOTE}

    def _put(self, kind: str, record: Record) -> None:
        self._announce(kind, self.retailer.data.table(kind).put(record))

    def _change(self, kind: str, key: str, fields: Record) -> None:
        stamped = {"updated_at": iso_text(self.now), **fields}
        self._announce(kind, self.retailer.data.table(kind).change(key, stamped))

    def _delete(self, kind: str, key: str) -> None:
        self._change(kind, key, {"deleted_at": iso_text(self.now)})

    def _announce(self, kind: str, record: Record) -> None:
        drawn = self.dice.random()
        if drawn < HEARD_SHARE + LATE_SHARE:
            into = self.webhooks if drawn < HEARD_SHARE else self.unheard.webhooks
            into.append(self._webhook(kind, record))

    def _webhook(self, kind: str, record: Record) -> bytes:
        spec = self.retailer.spec
        named = {} if self.dice.random() < UNNAMED_SHARE else {"type": _KINDS[kind]}
        fields = {
            "payload": encode(record).decode(),
            **named,
            "domain_prefix": spec.prefix,
            "retailer_id": spec.retailer_id,
            "environment": "prod",
        }
        return urlencode(fields).encode()

    def _sales(self) -> list[Record]:
        return self._living("sales")

    def _sale(self, fits: Callable[[Record], bool]) -> Record:
        return self.dice.choice(sorted(filter(fits, self._sales()), key=lambda sale: sale["id"]))

    def _customers(self) -> list[Record]:
        return sorted(self._living("customers"), key=lambda row: str(row["id"]))

    def _customer(self) -> Record:
        return self.dice.choice(self._customers())

    def _free_customer(self) -> Record | None:
        """A customer by whose e-mail nothing goes: none of the eCom orders, and nobody else. An
        order that was matched stays with whom it was matched, which a first sync cannot know."""
        everybody = self._customers()
        emails = [address_of(customer) for customer in everybody]
        contacts = [order.contact for order in self.retailer.data.ecom.values()]
        bound = {contact.customer_id for contact in contacts}
        shopping = {contact.email.lower() for contact in contacts}
        free = [
            customer
            for customer, email in zip(everybody, emails, strict=True)
            if email
            and emails.count(email) == 1
            and email not in shopping
            and customer["id"] not in bound
            and not (customer["phone"] or customer["mobile"])
        ]
        return self.dice.choice(free) if free else None

    def _product(self) -> Record:
        return self.dice.choice(sorted(self._living("products"), key=lambda row: str(row["id"])))

    def _living(self, kind: str) -> list[Record]:
        rows = filter(is_ordinary, self.retailer.data.table(kind))
        return [row for row in rows if not row["deleted_at"]]
