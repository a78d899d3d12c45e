"""What callers may have the POS make: customers, orders with lines and discounts."""

from datetime import UTC, datetime
from typing import Any

from deploy.local.simulator import metadata
from deploy.local.simulator.org import Org
from deploy.local.simulator.seed.calendar import utc_text
from deploy.local.simulator.table import Record, Table

_CUSTOMER = ("name_first", "name_last", "email", "phone", "date_of_birth")
_CHECKS = ("complete", "verified", "packed", "scheduled")


def make_customer(org: Org, given: Record) -> Record:
    """``POST /customer``: always a new one, also for a known person."""
    customers = org.dataset.customers
    now = utc_text(datetime.now(UTC))
    customer = {
        "id_customer": _next_id(customers, "id_customer"),
        **{name: given.get(name) for name in _CUSTOMER},
        "loyalty_points": 0,
        "customer_since": now,
        "date_created": now,
    }
    customers.put(customer)
    return customer


def make_order(org: Org, given: Record) -> Record:
    """``POST /order``: an order without lines. Raises KeyError for an unknown customer."""
    customer = org.dataset.customers.get(str(given.get("id_customer")))
    now = utc_text(datetime.now(UTC))
    order: Record = {
        "id_order": _next_id(org.dataset.orders, "id_order"),
        "id_external": given.get("id_external"),
        **{name: customer.get(name) for name in ("id_customer", "name_first", "name_last")},
        **{name: customer.get(name) for name in ("email", "phone")},
        "id_location": given.get("id_location"),
        "type": given.get("type"),
        "status": "submitted",
        **{name: bool(given.get(name)) for name in _CHECKS},
        "paid_in_full": False,
        "date_created": now,
        "date_updated": now,
        **_amounts([]),
        "items": [],
        "discounts": [],
    }
    org.dataset.orders.put(order)
    return order


def add_line(org: Org, order_id: str, given: Record) -> Record:
    """``POST /order/{id}/item``. Raises KeyError for an unknown order or batch, ValueError for a
    quantity that nobody can sell."""
    orders = org.dataset.orders
    order = orders.get(order_id)
    stock = org.dataset.inventory.get(f"{given.get('id_batch')}-{given.get('id_area')}")
    quantity = float(given.get("qty", 0))
    if quantity <= 0 or quantity > stock["available"]:
        raise ValueError("quantity")
    line = {
        "id_item": int(order_id) * 100 + len(order["items"]) + 1,
        "id_inventory_item": stock["id_item"],
        "id_batch": stock["id_batch"],
        "id_area": stock["id_area"],
        "item": stock["item"],
        "qty": int(quantity) if quantity.is_integer() else quantity,
        "price": stock["price_retail_adult_use"] or stock["price_retail_medical_use"],
        "category": stock["category"],
    }
    lines = [*order["items"], line]
    now = utc_text(datetime.now(UTC))
    orders.change(order_id, {"items": lines, **_amounts(lines), "date_updated": now})
    return {"items": [{"id_item": line["id_item"]}]}


def give_discount(org: Org, order_id: str, given: Record) -> Record:
    """``POST /order/{id}/discount``: given as often as it is asked for. Raises KeyError for an
    unknown order or discount."""
    order = org.dataset.orders.get(order_id)
    known = {each["id_discount"]: each for each in metadata.discounts(org)}
    discount = known[given.get("id_discount")]
    discounts = [*(order.get("discounts") or ()), {"id_discount": discount["id_discount"]}]
    return org.dataset.orders.change(order_id, {"discounts": discounts})


def _amounts(lines: list[dict[str, Any]]) -> dict[str, float]:
    subtotal = sum(round(line["price"] * 100) * line["qty"] for line in lines)
    tax = round(subtotal * 13 / 100)
    return {
        "subtotal": subtotal / 100,
        "tax": tax / 100,
        "discount": 0,
        "total": (subtotal + tax) / 100,
    }


def _next_id(table: Table, name: str) -> int:
    return 1 + max((int(record[name]) for record in table), default=0)
