"""Everything a retailer has at Lightspeed, and what its eCom shop has that is not there yet."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.simulator.lightspeed.export import export_rows
from deploy.local.simulator.lightspeed.seed.catalogue import generate_catalogue
from deploy.local.simulator.lightspeed.seed.ecom import (
    ShopOrder,
    ecom_numbers,
    generate_ecom,
)
from deploy.local.simulator.lightspeed.seed.ids import iso_text, record_id
from deploy.local.simulator.lightspeed.seed.people import generate_people, new_person
from deploy.local.simulator.lightspeed.seed.sales import generate_sales, plan_sales
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.lightspeed.versions import VersionCounter, VersionedTable
from deploy.local.simulator.seed.calendar import Calendar
from deploy.local.simulator.seed.order_plan import Placement
from deploy.local.simulator.table import Record

KINDS = (
    *("customers", "sales", "products", "inventory", "registers", "outlets"),
    *("brands", "product_categories", "suppliers"),
)
SEARCHED = {
    "sales": ("status", "invoice_number", "customer_id", "user_id", "outlet_id"),
    "customers": (
        *("customer_code", "first_name", "last_name", "company_name", "mobile", "phone", "email"),
    ),
    "products": ("sku", "name"),
}
"""What a search may ask for, by type."""
_ONE_IN_WITHOUT_ID = 10
"""Of so many orders that have arrived, one does not say so in the export."""


class RetailerData:
    """A table for each kind, and the eCom orders: ``ecom`` by number; ``late`` those that have not
    arrived. Safe to read and change from several threads."""

    def __init__(self, spec: RetailerSpec, today: date) -> None:
        self._spec = spec
        self._calendar = Calendar(today, ZoneInfo(spec.timezone))
        self._lock = Lock()
        versions = VersionCounter()
        self.tables = {
            kind: VersionedTable(
                versions,
                searched=SEARCHED.get(kind, ()),
                dated="sale_date" if kind == "sales" else "created_at",
            )
            for kind in KINDS
        }
        self._rng = _rng(spec, "later")
        self.catalogue = generate_catalogue(spec, self._calendar, _rng(spec, "catalogue"))
        self._invoices = spec.sales
        self._fill()

    def table(self, kind: str) -> VersionedTable:
        """The table of a kind. Raises KeyError for another than KINDS."""
        return self.tables[kind]

    def place(self, **changes: Any) -> ShopOrder:
        """A new order in the eCom shop, which has not arrived; ``changes`` to the one drawn."""
        with self._lock:
            number = max(self.ecom, default=0) + 1
            people = list(self.tables["customers"])
            drawn = next(
                generate_ecom(
                    [number],
                    frozenset([number]),
                    people,
                    self.catalogue,
                    self._calendar,
                    self._rng,
                )
            )
            now = datetime.now(UTC).replace(second=0, microsecond=0)
            order = replace(drawn, **{"placed": now.astimezone(self._calendar.zone)} | changes)
            self.ecom[order.number] = order
            self.late.add(order.number)
            return order

    def arrive(self, number: int) -> list[tuple[str, Record]]:
        """An eCom order's sale appears at the retailer, and its customer where there was none: the
        kinds and records that are new. Raises KeyError for one that is not late."""
        with self._lock:
            self.late.remove(number)
            order = self.ecom[number]
            self._invoices += 1
            invoice = self._invoices
        now = iso_text(datetime.now(UTC))
        made: list[tuple[str, Record]] = []
        contact, customer_id = order.contact, order.contact.customer_id
        if customer_id is None:
            customer_id = record_id(self._rng)
            person = new_person(
                *(customer_id, contact.first_name, contact.last_name),
                *(contact.email, contact.phone, now),
            )
            made.append(("customers", self.tables["customers"].put(person)))
        draft = order.draft(customer_id, invoice, self._spec.ecom_source, self.catalogue)
        sale = draft.row(self.catalogue, self._rng) | {"updated_at": now}
        made.append(("sales", self.tables["sales"].put(sale)))
        return made

    def export(self) -> Iterator[list[str]]:
        """The lines of the eCom order export as it would be made now, the header first."""
        return export_rows(list(self.ecom.values()), self._named_in_export)

    def _named_in_export(self, order: ShopOrder) -> bool:
        return order.number not in self.late and order.number % _ONE_IN_WITHOUT_ID != 0

    def _fill(self) -> None:
        spec, calendar, catalogue = self._spec, self._calendar, self.catalogue
        plan = _plan(spec)
        people = _people(spec, plan, calendar)
        self._fill_ecom(people)
        drafts = generate_sales(plan, people, catalogue, calendar, _rng(spec, "sales"))
        drafts += (
            order.draft(order.contact.customer_id, 0, spec.ecom_source, catalogue)
            for number, order in self.ecom.items()
            if number not in self.late
        )
        drafts.sort(key=lambda draft: draft.created)
        rng = _rng(spec, "rows")
        for kind, rows in catalogue.rows.items():
            self.tables[kind].replace(rows)
        self.tables["customers"].replace(sorted(people, key=lambda each: str(each["created_at"])))
        self.tables["sales"].replace(
            replace(draft, number=number).row(catalogue, rng)
            for number, draft in enumerate(drafts, start=1)
        )

    def _fill_ecom(self, people: list[Record]) -> None:
        spec, rng = self._spec, _rng(self._spec, "ecom")
        numbers = ecom_numbers(spec.ecom_orders, rng)
        # The oldest have long arrived: what is late is among the newer ones.
        newer = numbers[min(len(numbers) // 3, len(numbers) - spec.late) :]
        self.late = set(rng.sample(newer, k=spec.late))
        known = frozenset(numbers) - self.late
        orders = generate_ecom(numbers, known, people, self.catalogue, self._calendar, rng)
        self.ecom = {order.number: order for order in orders}


def generated_orders(spec: RetailerSpec, today: date, count: int) -> Iterator[ShopOrder]:
    """So many eCom orders, one at a time, of the customers that the retailer has; none of them has
    arrived."""
    calendar = Calendar(today, ZoneInfo(spec.timezone))
    catalogue = generate_catalogue(spec, calendar, _rng(spec, "catalogue"))
    people = _people(spec, _plan(spec), calendar)
    numbers = range(1, count + 1)
    rng = _rng(spec, "export")
    return generate_ecom(numbers, frozenset(), people, catalogue, calendar, rng)


def _plan(spec: RetailerSpec) -> list[Placement]:
    """The sales over the counter."""
    arrived = spec.ecom_orders - spec.late
    return plan_sales(spec.customers, spec.sales - arrived, _rng(spec, "plan"))


def _people(spec: RetailerSpec, plan: list[Placement], calendar: Calendar) -> list[Record]:
    first_age: dict[int, int] = {}
    for placement in plan:
        if placement.customer is not None:
            first_age.setdefault(placement.customer, placement.age_days)
    return generate_people(spec.customers, first_age, calendar, _rng(spec, "people"))


def _rng(spec: RetailerSpec, subject: str) -> Random:
    return Random(f"{spec.seed}/{spec.id}/{subject}")
