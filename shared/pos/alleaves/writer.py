"""Making customers and orders at Alleaves.

``POST /customer``, ``/order``, ``/order/{id}/item`` and ``/order/{id}/discount``, as integrations
in use call them. Listed orders are assumed to show their ``id_external``: where one does not, it
may be the order sought, so the search fails rather than find nothing.
"""

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from urllib.parse import quote

from shared.clock import Deadline
from shared.domain.customers import Customer, identifies, normal_email
from shared.domain.order_windows import DateWindow
from shared.domain.write_back import NewCustomer, NewOrder, OrderLine, PlacedOrder
from shared.errors import ReplyUnreadable
from shared.pos.alleaves.api import AlleavesApi, as_sent
from shared.pos.alleaves.client import AlleavesClient
from shared.pos.paging import FetchedPage, PageSettings, list_pages
from shared.pos.port import Rejected
from shared.pos.rows import number

SIGNIFICANT_DIGITS = 10
"""Of a telephone number: people leave the country's out."""
_ORDER_IDS = ("id_order", "id_transaction", "id_external", "id_customer")


class AlleavesWriter:
    """One account at Alleaves: the PosWriter port. ``client`` reads the same account."""

    def __init__(self, api: AlleavesApi, client: AlleavesClient) -> None:
        self._api = api
        self._client = client

    def create_customer(self, customer: NewCustomer) -> str:
        body = {
            "name_first": customer.first_name,
            "name_last": customer.last_name,
            "email": customer.email,
            "phone": customer.phone,
            "date_of_birth": customer.date_of_birth,
        }
        return self._made("/customer", "a new customer", body, "id_customer")

    def find_customer(self, customer: NewCustomer, deadline: Deadline) -> str | None:
        """Alleaves searches no customer by e-mail or telephone: the whole list is read."""
        for page in self._client.customers():
            deadline.check()
            for listed in page.records:
                if _same(listed, customer):
                    return listed.id
        return None

    def open_order(self, order: NewOrder, external_id: str) -> str:
        """People at the counter set the order's check marks, not we."""
        body: dict[str, object] = {
            "id_customer": as_sent(order.customer_id),
            "id_external": external_id,
            "id_location": as_sent(order.location_id),
            "id_status": 1,
            "type": order.kind,
            "use_type": "adult",
            "auto_apply_discount_exclusions": [],
            "delivery_address": None,
            **dict.fromkeys(("complete", "verified", "packed", "scheduled"), False),
        }
        return self._made("/order", "a new order", body, "id_order")

    def find_order(
        self, order: NewOrder, external_id: str, window: DateWindow, deadline: Deadline
    ) -> str | None:
        doubtful = False
        for row in self._orders(window):
            deadline.check()
            if str(row.get("id_external")) == external_id:
                return str(_id_of(row))
            own = str(row.get("id_customer", order.customer_id)) == order.customer_id
            doubtful = doubtful or (own and "id_external" not in row)
        if doubtful:
            raise ReplyUnreadable(
                f"{self._api.name} does not say which of the customer's orders is the one sought."
            )
        return None

    def add_line(self, order_id: str, line: OrderLine) -> None:
        body = {
            "id_batch": as_sent(line.batch_id),
            "id_area": as_sent(line.area_id),
            "qty": int(line.quantity) if line.quantity % 1 == 0 else float(line.quantity),
        }
        self._add("item", "an order's line", order_id, body)

    def give_discount(self, order_id: str, discount_id: str) -> None:
        body = {"id_discount": as_sent(discount_id)}
        self._add("discount", "an order's discount", order_id, body)

    def placed(self, order_id: str) -> PlacedOrder:
        reply = self._api.record(f"/order/{quote(order_id, safe='')}", "an order").data
        row = reply if isinstance(reply, dict) else {}
        lines = row.get("items")
        if not isinstance(lines, list):
            raise ReplyUnreadable(f"{self._api.name} sent an order without its lines.")
        given = row.get("discounts")
        return PlacedOrder(
            id=order_id,
            quantities=tuple(map(_quantity, lines)),
            discount_ids=_ids(given) if isinstance(given, list) else None,
        )

    def _add(self, part: str, what: str, order_id: str, body: Mapping[str, object]) -> None:
        self._api.send(f"/order/{quote(order_id, safe='')}/{part}", what, body)

    def _made(self, path: str, what: str, body: Mapping[str, object], name: str) -> str:
        reply = self._api.send(path, what, body)
        made = reply.get(name) if isinstance(reply, dict) else None
        if not isinstance(made, int | str):
            raise ReplyUnreadable(f"{self._api.name} did not say what it made of {what}.")
        return str(made)

    def _orders(self, window: DateWindow) -> Iterator[Mapping[str, object]]:
        settings = PageSettings()

        def fetch(page: int) -> FetchedPage[dict[str, object] | Rejected]:
            return self._api.orders(window, page, settings.size, _ids_of)

        pages = list_pages(
            fetch, _identity, provider=self._api.name, what="orders", settings=settings
        )
        for page in pages:
            yield from page.records


def _ids_of(row: object) -> dict[str, object]:
    """What tells an order from others; what is no object is an order of its own."""
    fields = row if isinstance(row, dict) else {"id_order": repr(row)}
    return {name: fields[name] for name in _ORDER_IDS if name in fields}


def _identity(row: dict[str, object] | Rejected) -> Hashable:
    return json.dumps(_id_of(row)) if isinstance(row, dict) else row


def _id_of(row: Mapping[str, object]) -> object:
    return row.get("id_order", row.get("id_transaction"))


def _same(listed: Customer, customer: NewCustomer) -> bool:
    email = normal_email(customer.email)
    if identifies(email):
        return listed.email == email
    wanted = _digits(customer.phone)
    return bool(wanted) and _digits(listed.phone) == wanted


def _digits(phone: str | None) -> str:
    return re.sub(r"\D", "", phone or "")[-SIGNIFICANT_DIGITS:]


def _quantity(line: object) -> Decimal:
    fields = line if isinstance(line, dict) else {}
    return number(fields.get("qty", fields.get("quantity"))) or Decimal(0)


def _ids(given: list[object]) -> frozenset[str]:
    rows = [each for each in given if isinstance(each, dict)]
    return frozenset(str(row["id_discount"]) for row in rows if "id_discount" in row)
