"""The calls of Alleaves in both of its styles, signed in by ``POST /auth`` or with an API key.

``search`` has ``POST /customer/search`` and ``GET /order``, which list all of the account, where
``rest`` has ``GET /customers`` and ``GET /orders``, which list one location. ``rest`` calls a
location ``locationId`` where ``search`` calls it ``id_location``. All else is the same in both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import jwt

from shared.clock import Clock
from shared.domain.ids import is_document_id
from shared.domain.order_windows import DateWindow
from shared.errors import ConfigurationInvalid, CredentialsRejected, SyncSamError
from shared.outbound.credentials import Token, TokenCache
from shared.outbound.failures import AddressForbidden, HostUnknown, StatusRefused, TokenRejected
from shared.outbound.replies import ReplyTooLarge
from shared.outbound.session import HttpCall, HttpReply, HttpSession, host_of
from shared.pos.alleaves.parse import rows_and_total
from shared.pos.config import ALLEAVES_URL, AlleavesConfig
from shared.pos.paging import FetchedPage
from shared.pos.rows import unix_moment

PROVIDER = "The POS"
_LIFETIME = timedelta(hours=24)
"""Of a token, as measured at the live service; where neither the reply nor the token says."""
_EPOCH_ABOVE = 1_000_000_000
MOST_TIMES_THE_SIZE = 10
"""A page may hold so many times the rows asked for."""
MOST_ROWS = 20_000
"""Of a list that comes whole."""
_NO_SUCH_PATH = 404

T = TypeVar("T")
E = TypeVar("E")
ReadRows = Callable[[Sequence[object]], Sequence[E]]


class AlleavesApi:
    """One account at Alleaves. Thread-safe. Rows are handed on as sent, to ``each`` or, all of a
    reply, to ``read_rows``, while no other reply is read: what these return is kept, not the rows.
    """

    def __init__(
        self,
        http: HttpSession,
        tokens: TokenCache,
        config: AlleavesConfig,
        *,
        location_name: str,
        clock: Clock,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._location_name = location_name
        self._clock = clock
        self._rest_style = config.api_style == "rest"
        self._location_id = config.location_id
        self._location_field = "locationId" if self._rest_style else "id_location"
        self._base_url = (config.base_url or ALLEAVES_URL).rstrip("/")
        self._key_headers = _key_headers(config)
        password, pin = config.password.get_secret_value(), config.pin.get_secret_value()
        self._sign_in_body = {"username": config.username, "password": password}
        if pin:
            self._sign_in_body["pin"] = pin
        self._account = tokens.account(
            config.provider, self._base_url, config.username, password, pin
        )

    @property
    def name(self) -> str:
        """What operators read: "The POS at app.alleaves.com"."""
        return f"{PROVIDER} at {host_of(self._base_url)}"

    def login_location(self) -> str | None:
        """Id of the location that ``POST /auth`` names. None with an API key."""
        if self._key_headers:
            return None
        call = self._call("POST", "/auth", "signing in", json=self._sign_in_body)
        return self._naming_the_settings(
            lambda: self._existing(lambda: self._http.call(call, location_of))
        ).data

    def customers(self, page: int, size: int, each: Callable[[object], E]) -> FetchedPage[E]:
        """Page ``page`` (from 1) of the customers. Raises ConfigurationInvalid where there is no
        such list."""
        if self._rest_style:
            params = {**self._location, "page": str(page), "pageSize": str(size)}
            call = self._call("GET", "/customers", "customers", params=params)
        else:
            body = {"page": page, "pageSize": size}
            call = self._call("POST", "/customer/search", "customers", json=body)
        return self._page(call, page, size, each)

    def orders(
        self, window: DateWindow, page: int, size: int, each: Callable[[object], E]
    ) -> FetchedPage[E]:
        """Page ``page`` (from 1) of the orders created within the window. Raises
        ConfigurationInvalid where there is no such list."""
        days = {"startDate": window.since.isoformat(), "endDate": window.until.isoformat()}
        params = {"page": str(page), "pageSize": str(size), **days}
        if self._rest_style:
            params |= self._location
        path = "/orders" if self._rest_style else "/order"
        return self._page(self._call("GET", path, "orders", params=params), page, size, each)

    def inventory(
        self, location_id: str, read_rows: ReadRows[E], skip: int = 0, take: int | None = None
    ) -> FetchedPage[E]:
        """The stock of a location; with ``take``, so many rows after the first ``skip``."""
        body: dict[str, object] = {"query": "", self._location_field: as_sent(location_id)}
        if take is not None:
            body |= {"skip": skip, "take": take}
        call = self._call("POST", "/inventory/search", "inventory", json=body)
        return self._list(call, MOST_ROWS, read_rows)

    def listed(self, path: str, what: str, read_rows: ReadRows[E]) -> FetchedPage[E]:
        """A list that comes whole: discounts, brands, locations and the like."""
        return self._list(self._call("GET", path, what), MOST_ROWS, read_rows)

    def areas(self, location_id: str, read_rows: ReadRows[E]) -> FetchedPage[E]:
        """The areas of a location."""
        params = {self._location_field: location_id}
        return self._list(
            self._call("GET", "/inventory/area", "areas", params=params), MOST_ROWS, read_rows
        )

    def record(self, path: str, what: str) -> HttpReply[object]:
        """One record; in the ``rest`` style one of the location."""
        params = self._location if self._rest_style else None
        return self._signed_in(self._call("GET", path, what, params=params), _any)

    def send(self, path: str, what: str, body: Mapping[str, object]) -> object:
        """Have the POS make or change something; its answer. The call is made once: after
        ProviderUnreachable, ProviderFailed or ReplyUnreadable it may have been done."""
        call = replace(self._call("POST", path, what, json=body), once=True)
        return self._signed_in(call, _any).data

    @property
    def _location(self) -> dict[str, str]:
        return {self._location_field: self._location_id}

    def _page(
        self, call: HttpCall, page: int, size: int, each: Callable[[object], E]
    ) -> FetchedPage[E]:
        def fetch() -> FetchedPage[E]:
            return self._list(call, MOST_TIMES_THE_SIZE * size, lambda rows: [*map(each, rows)])

        # A later page may be none because the list has ended.
        return self._existing(fetch) if page == 1 else fetch()

    def _existing(self, make: Callable[[], T]) -> T:
        """What ``make`` gives by a call that every account answers. Where the POS has no such path
        it is asked at the wrong address or in the wrong style: raises ConfigurationInvalid."""
        try:
            return make()
        except StatusRefused as error:
            if error.status != _NO_SUCH_PATH:
                raise
            said = str(error)
        raise ConfigurationInvalid(
            f"{said} Check baseUrl and apiStyle of {self._location_name} in the POS settings."
        )

    def _list(self, call: HttpCall, most_rows: int, read_rows: ReadRows[E]) -> FetchedPage[E]:
        def read(reply: object) -> tuple[Sequence[E], int | None]:
            rows, total = rows_and_total(reply)
            if len(rows) > most_rows:
                raise ReplyTooLarge(f"holds more than {most_rows:,} rows")
            return read_rows(rows), total

        reply = self._signed_in(call, read)
        entries, total = reply.data
        return FetchedPage(entries, total, reply.requests)

    def _call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
    ) -> HttpCall:
        url = f"{self._base_url}{path}"
        return HttpCall(method, url, PROVIDER, what, json=json, params=params or {})

    def _signed_in(self, call: HttpCall, read: Callable[[object], T]) -> HttpReply[T]:
        if headers := self._key_headers:
            keyed = replace(call, headers=headers)
            return self._naming_the_settings(lambda: self._http.call(keyed, read))
        return self._naming_the_settings(lambda: self._with_token(call, read))

    def _naming_the_settings(self, make: Callable[[], HttpReply[T]]) -> HttpReply[T]:
        """Make a call. Where it fails by the org's settings the error raised says which."""
        wrong: SyncSamError
        try:
            return make()
        except CredentialsRejected as error:
            what = "the API key" if self._key_headers else "user name, password and PIN"
            where = f"{self._location_name} in the POS settings"
            wrong = CredentialsRejected(f"{error} Check {what} of {where}.")
        except HostUnknown as error:
            host = host_of(self._base_url)
            if host.lower() == host_of(ALLEAVES_URL):
                raise
            wrong = ConfigurationInvalid(
                f"the host {host} {_why(error)}: correct posConfig.baseUrl of {self._location_name}"
            )
        # Raised out here so that no error which holds the call is chained to it.
        raise wrong

    def _with_token(self, call: HttpCall, read: Callable[[object], T]) -> HttpReply[T]:
        """The answer. A token that is no longer accepted is renewed once."""
        requests = 0

        def sign_in() -> Token:
            nonlocal requests
            now = self._clock()
            sign_in_call = self._call("POST", "/auth", "signing in", json=self._sign_in_body)
            reply = self._existing(
                lambda: self._http.call(sign_in_call, lambda data: token_of(data, now))
            )
            requests += reply.requests
            return reply.data

        token = self._tokens.get(self._account, sign_in)
        try:
            reply = self._http.call(_bearing(token, call), read)
        except TokenRejected as error:
            requests += error.tries
            token = self._tokens.get(self._account, sign_in, rejected=token)
            reply = self._http.call(_bearing(token, call), read)
        return HttpReply(reply.data, requests + reply.requests)


def _why(error: HostUnknown) -> str:
    if isinstance(error, AddressForbidden):
        return "leads to an address that is not public"
    return "does not exist"


def _key_headers(config: AlleavesConfig) -> Mapping[str, str]:
    """The headers that carry the API key; none where there is no key."""
    key = config.api_key.get_secret_value() if config.api_key else ""
    if not key:
        return {}
    bearer = config.api_key_header.lower() == "authorization"
    return {config.api_key_header: f"Bearer {key}" if bearer else key}


def as_sent(record_id: str) -> int | str:
    """Alleaves has numbers for ids; here they are text."""
    return int(record_id) if record_id.isdecimal() else record_id


def token_of(reply: object, now: datetime) -> Token:
    """The token of a sign-in's reply, received at ``now``.

    It lasts until ``expires`` or ``expires_at`` of the reply, else ``exp`` of the JWT, else 24
    hours. Raises ValueError where there is no token that an HTTP header can carry.
    """
    fields = reply if isinstance(reply, dict) else {}
    value = fields.get("token")
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise ValueError("no token")
    said = (fields.get("expires"), fields.get("expires_at"), _jwt_expiry(value))
    moments = (_moment(each, now) for each in said)
    # A time that has passed already means that the clocks differ: no use either.
    expires_at = next((each for each in moments if each and each > now), now + _LIFETIME)
    return Token.valid_from(value, issued_at=now, expires_at=expires_at)


def location_of(reply: object) -> str | None:
    """The location that a sign-in's reply names."""
    fields = reply if isinstance(reply, dict) else {}
    named = (fields.get(name) for name in ("locationId", "id_location", "location_id"))
    ids = (str(each) for each in named if isinstance(each, int | str))
    return next(filter(is_document_id, ids), None)


def _jwt_expiry(token: str) -> object:
    try:
        # The POS checks its own signature; all that matters here is when to come back.
        return jwt.decode(token, options={"verify_signature": False}).get("exp")
    except jwt.PyJWTError:
        return None


def _moment(said: object, now: datetime) -> datetime | None:
    """A moment from ISO text, epoch seconds or milliseconds, or seconds from now."""
    try:
        if isinstance(said, str) and not said.strip().isdecimal():
            moment = datetime.fromisoformat(said.strip())
            return moment.replace(tzinfo=moment.tzinfo or UTC)
        if not isinstance(said, str | int | float):
            return None
        number = float(said)
        if number < _EPOCH_ABOVE:
            return now + timedelta(seconds=number)
        return unix_moment(number)
    except (ValueError, OverflowError, OSError):
        return None


def _bearing(token: Token, call: HttpCall) -> HttpCall:
    return replace(call, headers={"Authorization": f"Bearer {token.value}"})


def _any(reply: object) -> object:
    return reply
