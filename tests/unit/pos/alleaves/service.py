"""A little Alleaves behind the fake transport, and a client of it."""

from collections.abc import Callable
from datetime import date
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared.domain.order_windows import DateWindow
from shared.outbound.credentials import TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import Location
from shared.pos.port import PosClient
from shared.pos.registry import open_account
from tests.unit.pos.alleaves.rows import (
    customer,
    order,
    rest_customer,
    rest_order,
    rest_product,
    stock,
)
from tests.unit.pos.fakes import Canned, FakeTime, FakeTransport, Sent, ok

PASSWORD = "pass-word-17"
PIN = "4821"
WINDOW = DateWindow(date(2026, 1, 1), date(2026, 3, 31))


class Alleaves:
    """Signs in, or takes an API key, and serves customers, orders and stock in both styles, each in
    the shapes of its own documents. The rest style has two locations: an order, a customer and a
    product with an odd id are of 1000, the others of 1001.

    ``interfere`` may answer a call in its place.
    """

    def __init__(
        self,
        *,
        customers: int = 0,
        orders: int = 0,
        rows: int = 0,
        destinations: Destinations | None = None,
    ) -> None:
        self.destinations = destinations
        self.time = FakeTime()
        self.customers = [customer(id_customer=number) for number in range(1, customers + 1)]
        self.orders = [order(id_order=number, total_rows=orders) for number in range(1, orders + 1)]
        self.stock = [stock(id_batch=number, total_rows=rows) for number in range(1, rows + 1)]
        self.rest_customers = [rest_customer(id_customer=n) for n in range(1, customers + 1)]
        self.rest_orders = [rest_order(id_transaction=n) for n in range(1, orders + 1)]
        self.products = [rest_product(id_product=n) for n in range(1, rows + 1)]
        self.areas: list[dict[str, Any]] = []
        self.login_location: object = None
        self.sign_ins = 0
        self.good_tokens: set[str] = set()
        self.interfere: Callable[[Sent], Canned | None] = lambda _sent: None
        self.transport = FakeTransport(self._answer)
        self._lock = Lock()

    def client(self, tokens: TokenCache | None = None, **pos_config: Any) -> PosClient:
        """A client of the location that the fields describe."""
        http = HttpSession(
            HttpSettings(attempts=3),
            self.destinations,
            transport=self.transport,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
            clock=self.time.now,
        )
        cache = tokens or TokenCache(self.time.now)
        return open_account(location(**pos_config), http, cache, self.time.now).client

    def calls(self, path: str) -> list[Sent]:
        """The requests that went to a path."""
        return [sent for sent in self.transport.sent if urlsplit(sent.url).path == f"/api{path}"]

    def _answer(self, sent: Sent) -> Canned:
        path = urlsplit(sent.url).path.removeprefix("/api")
        answer = self.interfere(sent)
        if answer is not None:
            return answer
        if path == "/auth":
            return self._sign_in(sent)
        if not set(sent.headers.values()) & self.good_tokens:
            return Canned(401, b'{"error": "Token expired"}')
        return self._listed(path, sent)

    def _listed(self, path: str, sent: Sent) -> Canned:
        query = {key: values[0] for key, values in parse_qs(urlsplit(sent.url).query).items()}
        match path:
            case "/customer/search":
                page = _page(self.customers, sent.body)
                return ok({str(index): row for index, row in enumerate(page)})
            case "/order":
                return ok(_page(self.orders, query))
            case "/customers":
                here = _at(query, self.rest_customers, "id_customer")
                numbers = {"total": len(here), "page": int(query["page"])}
                return ok({"customers": _page(here, query), **numbers})
            case "/orders":
                here = _at(query, self.rest_orders, "id_transaction")
                return ok({"orders": _page(here, query), "total": len(here)})
            case "/inventory/search" if "locationId" in sent.body:
                return ok({"products": _at(sent.body, self.products, "id_product")})
            case "/inventory/area":
                return ok(self.areas)
            case "/inventory/search":
                return ok(self.stock[sent.body.get("skip", 0) :][: sent.body.get("take")])
        return Canned(404)

    def _sign_in(self, sent: Sent) -> Canned:
        if sent.body.get("password") != PASSWORD:
            return Canned(401, b'{"error": "Invalid password"}')
        with self._lock:
            self.sign_ins += 1
            token = f"token-{self.sign_ins}"
            self.good_tokens.add(f"Bearer {token}")
        located = {"locationId": self.login_location} if self.login_location else {}
        return ok({"id_user": 1, "name_first": "Sync", "token": token, **located})


def location(**pos_config: Any) -> Location:
    return Location.model_validate(
        {
            "id": "loc-1",
            "orgId": "org-1",
            "name": "Main Street",
            "posConfig": {
                "provider": "alleaves",
                "status": "active",
                "username": "sync@example.com",
                "password": PASSWORD,
                "pin": PIN,
                "locationId": "1000",
                **pos_config,
            },
        }
    )


def _at(asked: dict[str, Any], rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The rows of the location asked for."""
    odd = {"1000": 1, "1001": 0}[str(asked["locationId"])]
    return [row for row in rows if row[key] % 2 == odd]


def _page(rows: list[dict[str, Any]], asked: dict[str, Any]) -> list[dict[str, Any]]:
    number, size = int(asked["page"]), int(asked["pageSize"])
    return rows[(number - 1) * size : number * size]
