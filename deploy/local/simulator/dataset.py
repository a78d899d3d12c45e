"""Everything one org's POS holds: the truth the API is read from and tests recompute from."""

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.simulator.seed.calendar import Calendar, local_text
from deploy.local.simulator.seed.catalog import generate_products
from deploy.local.simulator.seed.customers import generate_customers
from deploy.local.simulator.seed.inventory import generate_inventory
from deploy.local.simulator.seed.order_buyer import BuyerFields
from deploy.local.simulator.seed.order_plan import plan_orders
from deploy.local.simulator.seed.orders import generate_orders
from deploy.local.simulator.spec import OrgSpec
from deploy.local.simulator.table import Place, Record, Table

KINDS = ("customers", "orders", "inventory")


class Dataset:
    """The customers, orders (in order of creation) and inventory rows of one org, as the search
    style writes them."""

    def __init__(self, zone: ZoneInfo, today: date) -> None:
        self._zone = zone
        self._today = today
        self.customers = Table(_customer_key, _customer_place)
        self.orders = Table(_order_key, self._order_place)
        self.inventory = Table(inventory_key, _inventory_place)

    def copy(self) -> "Dataset":
        """One with the same records, that changes on its own."""
        found = Dataset(self._zone, self._today)
        found.customers = self.customers.copy()
        found.orders = self.orders.copy()
        found.inventory = self.inventory.copy()
        return found

    def table(self, kind: str) -> Table:
        """The table of a kind. Raises KeyError for another than KINDS."""
        return {
            "customers": self.customers,
            "orders": self.orders,
            "inventory": self.inventory,
        }[kind]

    def orders_between(self, since: str | None, until: str | None) -> list[bytes]:
        """Orders created on these days of the shop's calendar (``2025-01-31``), both included."""
        return self.orders.texts((since,) if since else None, (f"{until}~",) if until else None)

    def inventory_at(self, location_id: int | None) -> list[bytes]:
        """The stock rows of one location, or of all."""
        if location_id is None:
            return self.inventory.texts()
        return self.inventory.texts((location_id,), (location_id + 1,))

    def _order_place(self, order: Record) -> Place:
        """Local creation time, then id. An order without a readable date is listed as today's."""
        written = order.get("date_created") or order.get("created_at")
        try:
            created = datetime.fromisoformat(str(written))
        except ValueError:
            return (self._today.isoformat(), *_number(order["id_order"]))
        if created.tzinfo is not None:
            created = created.astimezone(self._zone)
        return (local_text(created), *_number(order["id_order"]))


def generate_dataset(spec: OrgSpec, today: date) -> Dataset:
    """The org that ``spec`` describes, dated back from ``today``."""
    return _generated(spec, today).copy()


@lru_cache(maxsize=4)
def _generated(spec: OrgSpec, today: date) -> Dataset:
    zone = ZoneInfo(spec.timezone)
    calendar = Calendar(today, zone)

    def rng(subject: str) -> Random:
        return Random(f"{spec.seed}/{spec.id}/{subject}")

    plan = plan_orders(spec.customers, spec.orders, rng("plan"))
    first_order_age: dict[int, int] = {}
    for placement in plan:
        if placement.customer is not None:
            first_order_age.setdefault(placement.customer, placement.age_days)
    customers = generate_customers(spec.customers, first_order_age, calendar, rng("customers"))
    products = generate_products(spec.products, rng("products"))
    places = spec.location_ids
    dataset = Dataset(zone, today)
    dataset.customers.replace(customers)
    dataset.inventory.replace(
        generate_inventory(products, spec.rows, places, calendar, rng("inventory"))
    )
    buyers = BuyerFields(customers, rng("buyers"))
    orders = generate_orders(plan, buyers, products, places, calendar, rng("orders"))
    if spec.api_style == "rest":
        orders = _by_user_id(orders, {customer["id_customer"] for customer in customers})
    dataset.orders.replace(orders)
    return dataset


def _by_user_id(orders: Iterable[Record], customer_ids: Container[int]) -> Iterator[Record]:
    """The orders as a POS has them that knows a buyer by user id: those of customers whom it does
    not list name no customer's id."""
    for order in orders:
        customer_id = order["id_customer"]
        if customer_id and customer_id not in customer_ids:
            order = {**order, "id_customer": None, "user_id": f"user-{customer_id}"}
        yield order


def given_dataset(spec: OrgSpec, today: date, records: Mapping[str, Iterable[Record]]) -> Dataset:
    """An org that holds exactly the given records; a kind that is not given is empty."""
    dataset = Dataset(ZoneInfo(spec.timezone), today)
    for kind, given in records.items():
        dataset.table(kind).replace(given)
    return dataset


def inventory_key(row: Record) -> str:
    """``{id_batch}-{id_area}``: a batch may lie in several areas."""
    return f"{row['id_batch']}-{row['id_area']}"


def _customer_key(customer: Record) -> str:
    return str(customer["id_customer"])


def _customer_place(customer: Record) -> Place:
    return _number(customer["id_customer"])


def _order_key(order: Record) -> str:
    return str(order["id_order"])


def _inventory_place(row: Record) -> Place:
    return (int(row["id_location"]), *_number(row["id_batch"]), *_number(row["id_area"]))


def _number(value: Any) -> Place:
    """Sorts ids that are numbers as numbers, and others after them as text."""
    text = str(value)
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)
