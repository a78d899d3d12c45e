"""The calls of Lightspeed Retail X-Series.

Lists are paged by version: every record has one, which grows with each change, and a page holds
what comes ``after`` a version (https://x-series-api.lightspeedhq.com/docs/pagination). Sales by
date are found by search, which is paged by offset: the list of sales ignores dates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from shared.domain.ids import is_document_id
from shared.domain.order_windows import DateWindow
from shared.errors import ConfigurationInvalid, CredentialsRejected, SyncSamError
from shared.outbound.failures import HostUnknown, StatusRefused, TokenRejected
from shared.outbound.replies import ReplyTooLarge
from shared.outbound.session import HttpCall, HttpReply, HttpSession, host_of
from shared.pos.config import LightspeedConfig
from shared.pos.lightspeed.budget import CallBudget
from shared.pos.lightspeed.oauth import OAuth
from shared.pos.paging import FetchedPage

PROVIDER = "The POS"
MOST_TIMES_THE_SIZE = 10
"""A page may hold so many times the rows asked for."""
NO_SUCH_PATH = 404
_SCOPES: Mapping[str, str] = {
    "customers": "customers:read",
    "sales": "sales:read",
    "search": "sales:read",
    "products": "products:read",
    "inventory": "products:read",
}
"""What a token must allow, by the first part of a path."""

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class VersionPage(Generic[E]):
    """A page of a list. ``version`` is that of its last row: the list goes on after it. ``deleted``
    are ids of records that are no more. Without ``rows`` the list is at its end."""

    entries: Sequence[E]
    deleted: Sequence[str]
    rows: int
    version: int
    requests: int


class LightspeedApi:
    """One retailer's account, signed in with a personal token or (``oauth``) a token that expires.
    Thread-safe. Rows are handed to ``each`` as sent, while no other reply is read. ``budget`` says
    when a call may be made."""

    def __init__(
        self,
        http: HttpSession,
        config: LightspeedConfig,
        *,
        location_name: str,
        oauth: OAuth | None = None,
        budget: CallBudget | None = None,
    ) -> None:
        self._http = http
        self._location_name = location_name
        self._oauth = oauth
        self._budget = budget
        self._token = config.token.get_secret_value()
        self._base_url = config.address
        self._given = "baseUrl" if config.base_url else "domainPrefix"

    @property
    def name(self) -> str:
        """What operators read: "The POS at harbor.retail.lightspeed.app"."""
        return f"{PROVIDER} at {self.account}"

    @property
    def account(self) -> str:
        """What tells the account from others: the host of its domain."""
        return host_of(self._base_url)

    def listed(
        self,
        path: str,
        what: str,
        after: int,
        size: int,
        each: Callable[[object], E],
        *,
        deleted_too: bool = False,
    ) -> VersionPage[E]:
        """The records of a list that have changed since version ``after``, at most ``size``, in
        the order of their versions; 0 for all from the first. Those that are no more are among the
        ``entries`` only where they are wanted ``deleted_too``."""
        params = {"after": str(after), "page_size": str(size), "deleted": "true"}

        def read(reply: object) -> VersionPage[E]:
            rows = _rows(reply, size)
            version = max((v for v in map(_version, rows) if v), default=_last_version(reply))
            if rows and version <= after:
                raise ValueError("no newer versions than were asked for")
            kept = [row for row in rows if deleted_too or not _is_deleted(row)]
            ids = (row.get("id") for row in rows if isinstance(row, dict) and _is_deleted(row))
            deleted = [i for i in ids if isinstance(i, str) and is_document_id(i)]
            return VersionPage([*map(each, kept)], deleted, len(rows), max(version, after), 1)

        reply = self._existing(lambda: self._call(path, what, params, read))
        return replace(reply.data, requests=reply.requests)

    def sales(
        self, window: DateWindow, offset: int, size: int, each: Callable[[object], E]
    ) -> FetchedPage[E]:
        """At most ``size`` of the sales of some days, in UTC, behind the first ``offset``."""
        params = {
            "type": "sales",
            "date_from": f"{window.since.isoformat()}T00:00:00Z",
            "date_to": f"{window.until.isoformat()}T23:59:59Z",
            "order_by": "date",
            "order_direction": "asc",
            "offset": str(offset),
            "page_size": str(size),
        }

        def read(reply: object) -> tuple[list[E], int | None]:
            rows = _rows(reply, size)
            total = reply.get("total_count") if isinstance(reply, dict) else None
            return [*map(each, rows)], total if type(total) is int else None

        reply = self._call("/search", "sales", params, read)
        entries, total = reply.data
        return FetchedPage(entries, total, reply.requests)

    def record(self, path: str, what: str) -> HttpReply[object]:
        """One record."""
        return self._call(path, what, {}, _record)

    def _existing(self, make: Callable[[], HttpReply[E]]) -> HttpReply[E]:
        """The reply of a list, which every account has. Where the POS has no such path it is asked
        at the wrong address: raises ConfigurationInvalid."""
        try:
            return make()
        except StatusRefused as error:
            if error.status != NO_SUCH_PATH:
                raise
            said = str(error)
        raise ConfigurationInvalid(
            f"{said} Check {self._given} and apiVersion of {self._location_name} in the POS"
            " settings."
        )

    def make(
        self, method: str, path: str, what: str, read: Callable[[object], E], body: object = None
    ) -> HttpReply[E]:
        """A call that may change something: made once. An answer without a body reads as None."""
        return self._call(path, what, {}, read, method, body)

    def _call(
        self,
        path: str,
        what: str,
        params: dict[str, str],
        read: Callable[[object], E],
        method: str = "GET",
        body: object = None,
    ) -> HttpReply[E]:
        call = HttpCall(
            method,
            f"{self._base_url}{path}",
            PROVIDER,
            what,
            json=body,
            once=method != "GET",
            may_be_empty=method == "DELETE",
            params=params,
        )
        if self._budget is not None:
            call = replace(call, heard=self._budget.heard)
        wrong: SyncSamError
        try:
            return self._signed_in(call, read)
        except TokenRejected as error:
            wrong = CredentialsRejected(f"{error} {self._check}")
        except CredentialsRejected as error:
            scope = _SCOPES.get(path.split("/")[1])
            lacks = f" Its token may lack the scope {scope}." if scope else ""
            wrong = CredentialsRejected(f"{error}{lacks} {self._check}")
        except HostUnknown as error:
            wrong = ConfigurationInvalid(
                f"{error} Check {self._given} of {self._location_name} in the POS settings."
            )
        # Raised out here so that no error which holds the call is chained to it.
        raise wrong

    @property
    def _check(self) -> str:
        what = "clientId, clientSecret and refreshToken" if self._oauth else "the token"
        return f"Check {what} of {self._location_name} in the POS settings."

    def _signed_in(self, call: HttpCall, read: Callable[[object], E]) -> HttpReply[E]:
        """The reply. A token of OAuth that is no longer accepted is renewed once."""
        if self._oauth is None:
            return self._made(call, self._token, read)
        token = self._oauth.token()
        try:
            return self._made(call, token.value, read)
        except TokenRejected as error:
            tries = error.tries
        reply = self._made(call, self._oauth.token(rejected=token).value, read)
        return HttpReply(reply.data, tries + reply.requests)

    def _made(self, call: HttpCall, token: str, read: Callable[[object], E]) -> HttpReply[E]:
        """Make the call. Its turn is waited for before its time begins: that may take minutes."""
        if self._budget is not None:
            self._budget.take()
        return self._http.call(replace(call, headers={"Authorization": f"Bearer {token}"}), read)


def _rows(reply: object, size: int) -> list[object]:
    """The rows of a page. Raises ValueError for another shape, ReplyTooLarge for a flood."""
    match reply:
        case {"data": list(rows)}:
            if len(rows) > MOST_TIMES_THE_SIZE * size:
                raise ReplyTooLarge(f"holds more than {MOST_TIMES_THE_SIZE * size:,} rows")
            return rows
    raise ValueError("not a list of rows")


def _record(reply: object) -> object:
    match reply:
        case {"data": dict(record)}:
            return record
    raise ValueError("not a record")


def _is_deleted(row: object) -> bool:
    return isinstance(row, dict) and bool(row.get("deleted_at"))


def _version(row: object) -> int:
    version = row.get("version") if isinstance(row, dict) else None
    return version if type(version) is int else 0


def _last_version(reply: object) -> int:
    """What the reply says of its rows, where none of them says it."""
    match reply:
        case {"version": {"max": int(version)}}:
            return version
    return 0
