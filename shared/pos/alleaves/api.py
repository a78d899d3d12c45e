"""The calls of Alleaves, in both of its styles, signed in.

``search``: ``POST /customer/search``, ``GET /order``. ``rest``: ``GET /customers``, ``GET
/orders``. Everything else is called in the same way in both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from shared.clock import Clock
from shared.domain.order_windows import DateWindow
from shared.errors import CredentialsRejected
from shared.pos.alleaves.auth import PROVIDER, log_in
from shared.pos.alleaves.replies import rows_and_total
from shared.pos.config import PosConfig
from shared.pos.exchange import Call, host_of
from shared.pos.failures import Unauthorized
from shared.pos.http import HttpSession, Reply
from shared.pos.tokens import Token, TokenCache

DEFAULT_BASE_URL = "https://app.alleaves.com/api"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RawPage:
    """Rows as sent, the announced total where there is one, and the calls it took."""

    rows: Sequence[object]
    total: int | None
    requests: int


class AlleavesApi:
    """One account at Alleaves. Thread-safe."""

    def __init__(
        self,
        http: HttpSession,
        tokens: TokenCache,
        config: PosConfig,
        *,
        location_name: str,
        clock: Clock,
        deadline: datetime | None = None,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._config = config
        self._location_name = location_name
        self._clock = clock
        self._deadline = deadline
        self._base_url = (config.base_url or DEFAULT_BASE_URL).rstrip("/")
        self._account = tokens.account(
            config.provider,
            self._base_url,
            config.username,
            config.password.get_secret_value(),
            config.pin.get_secret_value(),
        )

    @property
    def name(self) -> str:
        """What operators read: "The POS at app.alleaves.com"."""
        return f"{PROVIDER} at {host_of(self._base_url)}"

    def customers(self, page: int, size: int) -> RawPage:
        """Page ``page`` (from 1) of the customers."""
        if self._config.api_style == "rest":
            params = {"page": str(page), "pageSize": str(size)}
            return self._list("GET", "/customers", "customers", params=params)
        return self._list(
            "POST", "/customer/search", "customers", json={"page": page, "pageSize": size}
        )

    def orders(self, window: DateWindow, page: int, size: int) -> RawPage:
        """Page ``page`` (from 1) of the orders created within the window."""
        params = {
            "page": str(page),
            "pageSize": str(size),
            "startDate": window.since.isoformat(),
            "endDate": window.until.isoformat(),
        }
        path = "/orders" if self._config.api_style == "rest" else "/order"
        return self._list("GET", path, "orders", params=params)

    def inventory(self, location_id: str, skip: int = 0, take: int | None = None) -> RawPage:
        """The stock of a location; with ``take``, so many rows after the first ``skip``."""
        body: dict[str, object] = {"query": "", "id_location": as_sent(location_id)}
        if take is not None:
            body |= {"skip": skip, "take": take}
        return self._list("POST", "/inventory/search", "inventory", json=body)

    def listed(self, path: str, what: str) -> RawPage:
        """A list that comes whole: discounts, brands, locations and the like."""
        return self._list("GET", path, what)

    def record(self, path: str, what: str) -> Reply[object]:
        """One record."""
        return self._signed_in(self._call("GET", path, what), _any)

    def send(self, method: str, path: str, what: str, body: Mapping[str, object]) -> object:
        """Have the POS make or change something; its answer. The call is made once: where its
        outcome is not known (ProviderUnreachable, ProviderFailed, ReplyUnreadable), it may have
        been done."""
        call = replace(self._call(method, path, what, json=body), once=True)
        return self._signed_in(call, _any).data

    def _list(
        self,
        method: str,
        path: str,
        what: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
    ) -> RawPage:
        call = self._call(method, path, what, json=json, params=params)
        reply = self._signed_in(call, rows_and_total)
        rows, total = reply.data
        return RawPage(rows, total, reply.requests)

    def _call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
    ) -> Call:
        return Call(
            method,
            f"{self._base_url}{path}",
            provider=PROVIDER,
            what=what,
            json=json,
            params=params or {},
            deadline=self._deadline,
        )

    def _signed_in(self, call: Call, read: Callable[[object], T]) -> Reply[T]:
        """The answer, signed in. A token no longer accepted is renewed once."""
        try:
            return self._with_token(call, read)
        except CredentialsRejected as error:
            said = str(error)
        raise CredentialsRejected(
            f"{said} Check user name, password and PIN of {self._location_name} in the POS "
            "settings."
        )

    def _with_token(self, call: Call, read: Callable[[object], T]) -> Reply[T]:
        requests = 0

        def sign_in() -> Token:
            nonlocal requests
            reply = log_in(
                self._http, self._base_url, self._config, clock=self._clock, deadline=self._deadline
            )
            requests += reply.requests
            return reply.data

        token = self._tokens.get(self._account, sign_in)
        try:
            reply = self._http.call(_bearing(token, call), read)
        except Unauthorized as error:
            requests += error.tries
            token = self._tokens.get(self._account, sign_in, rejected=token)
            reply = self._http.call(_bearing(token, call), read)
        return Reply(reply.data, requests + reply.requests)


def _bearing(token: Token, call: Call) -> Call:
    return replace(call, headers={"Authorization": f"Bearer {token.value}"})


def _any(reply: object) -> object:
    return reply


def as_sent(record_id: str) -> int | str:
    """Alleaves has numbers for ids; here they are text."""
    return int(record_id) if record_id.isdecimal() else record_id
