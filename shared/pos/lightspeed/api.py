"""The calls of Lightspeed Retail X-Series.

Lists are paged by version: every record has one, which grows with each change, and a page holds
what comes ``after`` a version (https://x-series-api.lightspeedhq.com/docs/pagination). Sales by
date are found by search, which is paged by offset: the list of sales ignores dates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.domain.order_windows import DateWindow
from shared.errors import CredentialsRejected
from shared.outbound.session import HttpCall, HttpReply, HttpSession, host_of
from shared.pos.config import LightspeedConfig
from shared.pos.paging import FetchedPage

PROVIDER = "The POS"
MOST_TIMES_THE_SIZE = 10
"""A page may hold so many times the rows asked for."""

E = TypeVar("E")
Admit = Callable[[], None]


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
    """One retailer's account, signed in with a personal token. Thread-safe. Rows are handed to
    ``each`` as sent, while no other reply is read. ``admit`` returns when a call may be made."""

    def __init__(
        self,
        http: HttpSession,
        config: LightspeedConfig,
        *,
        location_name: str,
        admit: Admit | None = None,
    ) -> None:
        self._http = http
        self._location_name = location_name
        self._admit = admit
        self._headers = {"Authorization": f"Bearer {config.token.get_secret_value()}"}
        self._base_url = config.address

    @property
    def name(self) -> str:
        """What operators read: "The POS at harbor.retail.lightspeed.app"."""
        return f"{PROVIDER} at {host_of(self._base_url)}"

    def listed(
        self, path: str, what: str, after: int, size: int, each: Callable[[object], E]
    ) -> VersionPage[E]:
        """The records of a list that have changed since version ``after``, at most ``size``, in
        the order of their versions; 0 for all from the first."""
        params = {"after": str(after), "page_size": str(size), "deleted": "true"}

        def read(reply: object) -> VersionPage[E]:
            rows = _rows(reply)
            if len(rows) > MOST_TIMES_THE_SIZE * size:
                raise ValueError("more rows than were asked for")
            version = max([after, *map(_version, rows)])
            if rows and version <= after:
                raise ValueError("no newer versions than were asked for")
            gone = [row for row in rows if isinstance(row, dict) and row.get("deleted_at")]
            kept = [row for row in rows if not (isinstance(row, dict) and row.get("deleted_at"))]
            deleted = [str(row["id"]) for row in gone if isinstance(row.get("id"), str)]
            return VersionPage([*map(each, kept)], deleted, len(rows), version, 1)

        reply = self._call(path, what, params, read)
        found = reply.data
        return VersionPage(found.entries, found.deleted, found.rows, found.version, reply.requests)

    def sales(
        self, window: DateWindow, page: int, size: int, each: Callable[[object], E]
    ) -> FetchedPage[E]:
        """Page ``page`` (from 1) of the sales of some days, in UTC."""
        params = {
            "type": "sales",
            "date_from": f"{window.since.isoformat()}T00:00:00Z",
            "date_to": f"{window.until.isoformat()}T23:59:59Z",
            "order_by": "date",
            "order_direction": "asc",
            "offset": str((page - 1) * size),
            "page_size": str(size),
        }

        def read(reply: object) -> tuple[list[E], int | None]:
            rows = _rows(reply)
            if len(rows) > MOST_TIMES_THE_SIZE * size:
                raise ValueError("more rows than were asked for")
            total = reply.get("total_count") if isinstance(reply, dict) else None
            return [*map(each, rows)], total if type(total) is int else None

        reply = self._call("/search", "sales", params, read)
        entries, total = reply.data
        return FetchedPage(entries, total, reply.requests)

    def record(self, path: str, what: str) -> HttpReply[object]:
        """One record."""

        return self._call(path, what, {}, _record)

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
            headers=self._headers,
            admit=self._admit,
        )
        try:
            return self._http.call(call, read)
        except CredentialsRejected as error:
            said = str(error)
        # Raised out here so that no error which holds the call is chained to it.
        raise CredentialsRejected(
            f"{said} Check the token of {self._location_name} in the POS settings."
        )


def _rows(reply: object) -> list[object]:
    """The rows of a list. Raises ValueError for another shape."""
    match reply:
        case {"data": list(rows)}:
            return rows
    raise ValueError("not a list of rows")


def _record(reply: object) -> object:
    match reply:
        case {"data": dict(record)}:
            return record
    raise ValueError("not a record")


def _version(row: object) -> int:
    version = row.get("version") if isinstance(row, dict) else None
    return version if type(version) is int else 0
