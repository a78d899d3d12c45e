"""A POS account that answers from lists of rows in memory, whatever they hold."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from shared.clock import utc_now
from shared.domain.order_windows import DateWindow
from shared.outbound.failures import StatusRefused
from shared.outbound.session import HttpReply
from shared.pos.alleaves.api import ReadRows
from shared.pos.alleaves.client import AlleavesClient
from shared.pos.alleaves.parse import rows_and_total
from shared.pos.paging import FetchedPage

ZONE = ZoneInfo("America/New_York")
LOCATION = "1000"
NAMED = ("brand", "category", "vendor")

Row = dict[str, Any]
E = TypeVar("E")


@dataclass
class HostilePos:
    """Alleaves' calls, answered with JSON that was decoded as the HTTP session does."""

    customer_rows: list[object] = field(default_factory=list)
    order_rows: list[object] = field(default_factory=list)
    stock: list[object] = field(default_factory=list)
    lists: dict[str, list[object]] = field(default_factory=dict)
    records: dict[str, object] = field(default_factory=dict)
    """Answers of single look-ups, by path."""
    name: str = "The POS at hostile.example"

    @property
    def client(self) -> AlleavesClient:
        api: Any = self
        return AlleavesClient(api, zone=ZONE, location_id=LOCATION, clock=utc_now)

    def customers(self, page: int, size: int, each: Callable[[object], E]) -> FetchedPage[E]:
        return _page(self.customer_rows, page, size, each)

    def orders(
        self, window: DateWindow, page: int, size: int, each: Callable[[object], E]
    ) -> FetchedPage[E]:
        """All orders are of today, whatever they say."""
        today = utc_now().astimezone(ZONE).date()
        within = window.since <= today <= window.until
        return _page(self.order_rows if within else [], page, size, each)

    def inventory(
        self, location_id: str, read_rows: ReadRows[E], skip: int, take: int | None
    ) -> FetchedPage[E]:
        return _decoded(self.stock, read_rows)

    def listed(self, path: str, what: str, read_rows: ReadRows[E]) -> FetchedPage[E]:
        return _decoded(self.lists.get(path, []), read_rows)

    def areas(self, location_id: str, read_rows: ReadRows[E]) -> FetchedPage[E]:
        return self.listed("/inventory/area", "areas", read_rows)

    def record(self, path: str, what: str) -> HttpReply[object]:
        if path not in self.records:
            error = StatusRefused("there is none")
            error.status = 404
            raise error
        return HttpReply(json.loads(json.dumps(self.records[path])), 1)


def _page(
    rows: Sequence[object], page: int, size: int, each: Callable[[object], E]
) -> FetchedPage[E]:
    return _decoded(rows[(page - 1) * size : page * size], lambda found: [*map(each, found)])


def _decoded(rows: Iterable[object], read_rows: ReadRows[E]) -> FetchedPage[E]:
    found, total = rows_and_total(json.loads(json.dumps(list(rows))))
    return FetchedPage(read_rows(found), total, 1)
