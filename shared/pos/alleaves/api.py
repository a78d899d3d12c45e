"""The calls of Alleaves, in both of its styles, signed in.

``search``: ``POST /customer/search``, ``GET /order``. ``rest``: ``GET /customers``, ``GET
/orders``. Stock is ``POST /inventory/search`` in both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.clock import Clock
from shared.domain.order_windows import DateWindow
from shared.errors import CredentialsRejected
from shared.pos.alleaves.auth import PROVIDER, log_in
from shared.pos.alleaves.replies import rows_and_total
from shared.pos.config import PosConfig
from shared.pos.exchange import Call, host_of
from shared.pos.failures import Unauthorized
from shared.pos.http import HttpSession
from shared.pos.tokens import Token, TokenCache

DEFAULT_BASE_URL = "https://app.alleaves.com/api"


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
        body: dict[str, object] = {"query": "", "id_location": _id_as_sent(location_id)}
        if take is not None:
            body |= {"skip": skip, "take": take}
        return self._list("POST", "/inventory/search", "inventory", json=body)

    def _list(
        self,
        method: str,
        path: str,
        what: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
    ) -> RawPage:
        """The list, signed in. A token no longer accepted is renewed once."""
        call = Call(
            method,
            f"{self._base_url}{path}",
            provider=PROVIDER,
            what=what,
            json=json,
            params=params or {},
            deadline=self._deadline,
        )
        try:
            return self._signed_in(call)
        except CredentialsRejected as error:
            said = str(error)
        raise CredentialsRejected(
            f"{said} Check user name, password and PIN of {self._location_name} in the POS "
            "settings."
        )

    def _signed_in(self, call: Call) -> RawPage:
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
            reply = self._http.call(_bearing(token, call), rows_and_total)
        except Unauthorized as error:
            requests += error.tries
            token = self._tokens.get(self._account, sign_in, rejected=token)
            reply = self._http.call(_bearing(token, call), rows_and_total)
        rows, total = reply.data
        return RawPage(rows, total, requests + reply.requests)


def _bearing(token: Token, call: Call) -> Call:
    return replace(call, headers={"Authorization": f"Bearer {token.value}"})


def _id_as_sent(location_id: str) -> int | str:
    """Alleaves has numbers for ids; configured is text."""
    return int(location_id) if location_id.isdecimal() else location_id
