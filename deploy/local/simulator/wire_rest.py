"""Bodies of the rest style, whose documents have shapes of their own.

An order names its buyer in ``customer`` alone, by e-mail and user id, and no location: it is listed
at its own. Stock comes as whole products. The records behind are in the search style; what one has
beside that style's fields is sent along.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from deploy.local.simulator.dataset import Dataset
from deploy.local.simulator.listing import Slice
from deploy.local.simulator.seed.inventory_row import EMPTY_ROW
from deploy.local.simulator.seed.order_buyer import PLACEHOLDER_EMAIL
from deploy.local.simulator.table import Record, encode

_CUSTOMER: Mapping[str, str | None] = {
    "name_first": "first_name",
    "name_last": "last_name",
    "date_created": "created_at",
    "date_updated": "updated_at",
    **dict.fromkeys(("full_name", "phone2", "user_id", "customer_since", "city", "state")),
    **dict.fromkeys(("alpine_user_code", "springbig_user_code", "credit_balance")),
}
"""Under what name a field of the search style is sent; None: not at all."""
_ORDER: Mapping[str, str | None] = {
    "id_order": "id_transaction",
    "date_created": "created_at",
    "date_updated": "updated_at",
    **dict.fromkeys(("id_customer", "user_id", "name_first", "name_last", "full_name")),
    **dict.fromkeys(("email", "phone", "patient_number", "id_location", "total_rows")),
    **dict.fromkeys(("loyalty", "loyalties", "points_earned", "paid_in_full")),
    **dict.fromkeys(("pickup_date", "pickup_time")),
}
_STOCK: Mapping[str, str | None] = {
    **dict.fromkeys(EMPTY_ROW),
    "id_item": "id_product",
    "item": "name",
    "brand": "brand",
    "cost_of_good": "cost",
    "batch_cost_of_good": "batchCost",
    "cbd": "cbd",
    "available": "available",
    "has_inventory": "has_inventory",
    "on_hand": "quantity",
}
_PRICES = tuple(
    f"price_{kind}{use}" for kind in ("otd", "retail") for use in ("_adult_use", "_medical_use", "")
)
_STRAIN_TYPES = ("Sativa", "Indica", "Hybrid", "CBD")


class RestWire:
    """The records of one org as one call of the rest style sends them."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._emails: Counter[str] | None = None

    def wrapped(self, kind: str, part: Slice, page: int) -> bytes:
        """``{"customers": […], "total": n, "page": n}``, orders without the page."""
        shape = self.shape(kind)
        records = [shape(json.loads(row)) for row in part.rows]
        numbers = {"total": part.total, "page": page}
        if kind == "orders":
            del numbers["page"]
        return encode({kind: records, **numbers})

    def shape(self, kind: str) -> Callable[[Any], Any]:
        """Makes the body of a customer or an order; what is no object stays as it is."""
        make = {"customers": self._customer, "orders": self._order}[kind]
        return lambda record: make(record) if isinstance(record, dict) else record

    def _customer(self, record: Record) -> Record:
        return {**_respelled(record, _CUSTOMER), "userId": _user_id(record)}

    def _order(self, record: Record) -> Record:
        sent = {**_respelled(record, _ORDER), "customer": self._buyer(record)}
        return sent | ({"type": "in_store"} if record.get("type") == "retail" else {})

    def _buyer(self, order: Record) -> Record:
        """The customer that an order is of, by what tells that one from others."""
        customer_id = order.get("id_customer")
        try:
            customer = self._dataset.customers.get(str(customer_id))
        except KeyError:
            user_id = order.get("user_id") or (f"user-{customer_id}" if customer_id else None)
            return {"email": order.get("email") or PLACEHOLDER_EMAIL, "userId": user_id}
        email = customer.get("email") or ""
        own = email if self._holders(email) == 1 else PLACEHOLDER_EMAIL
        return {"email": own, "userId": _user_id(customer)}

    def _holders(self, email: object) -> int:
        if self._emails is None:
            texts = (str(each.get("email") or "").lower() for each in self._dataset.customers)
            self._emails = Counter(filter(None, texts))
        return self._emails[str(email).lower()]


def products_of(rows: Iterable[bytes]) -> list[bytes]:
    """The stock rows of one location summed to products, as JSON texts."""
    items: dict[bytes, list[Record]] = {}
    for text in rows:
        row = json.loads(text)
        items.setdefault(encode(row.get("id_item")), []).append(row)
    return [encode(_product(found)) for found in items.values()]


def products(part: Slice) -> bytes:
    """``{"products": […]}``."""
    return b'{"products":[' + b",".join(part.rows) + b"]}"


def _product(rows: list[Record]) -> Record:
    for_sale = [row for row in rows if row.get("area_type") != "Damaged"]
    lead = (for_sale or rows)[0]
    product = {**_respelled(lead, _STOCK), **_category(lead.get("category"))}
    product |= {
        "price": next((price for name in _PRICES if (price := lead.get(name))), 0),
        "thc": _potency(lead),
        "strainType": lead.get("strain") if lead.get("strain") in _STRAIN_TYPES else None,
    }
    if len(rows) > 1 or not for_sale:
        available = sum(row["available"] for row in for_sale)
        on_hand = sum(row["on_hand"] for row in rows) if len(rows) > 1 else lead.get("on_hand")
        product |= {
            "available": available,
            "has_inventory": available > 0,
            "quantity": on_hand,
        }
    return product


def _category(path: object) -> Record:
    if not isinstance(path, str):
        return {"category": path, "subcategory": None}
    category, _, subcategory = path.removeprefix("Category > ").partition(" > ")
    return {"category": category, "subcategory": subcategory or None}


def _potency(row: Record) -> Any:
    tested = row.get("compounds")
    results = [c.get("result") for c in tested] if isinstance(tested, list) else []
    return row.get("thc") if row.get("thc") is not None else next(iter(results), None)


def _respelled(record: Record, spelling: Mapping[str, str | None]) -> Record:
    names = ((spelling.get(ours, ours), value) for ours, value in record.items())
    return {name: value for name, value in names if name is not None}


def _user_id(customer: Record) -> Any:
    """Everybody has one, also who never had an account of the app."""
    return customer.get("user_id") or f"user-{customer.get('id_customer')}"
