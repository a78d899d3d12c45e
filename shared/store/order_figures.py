"""Adding up the orders of a period.

A few are read, one at a time. More are not: Firestore counts and sums them itself, by status and
channel and by week. What is stored among the orders and left out of all figures is then taken away
again: imported orders of the web shop that are superseded or match no customer, and what the POS
has no more. The sums need a status, a channel and a total of each order. Where some lack one, which
happens where other programs write orders, however many there are are read.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from shared.domain.changes import REMOVED_AT
from shared.domain.ecom import EcomState
from shared.domain.money import sum_to_cents
from shared.domain.orders import Channel, OrderStatus
from shared.domain.periods import Period
from shared.domain.sales_figures import SalesFigures
from shared.domain.spending import COUNTED, OrderFact
from shared.store import paths
from shared.store.database import Database, Document, Filter, Totals
from shared.store.documents import EARLIEST
from shared.store.orders import SPENDING_FIELDS, SUPERSEDED_BY, fact_as_stored

FEW = 60
"""Orders that are read as soon as one query adds up any number; a query costs one read, too."""
AT_ONCE = 16
"""Queries under way at the same time."""
_SET_ASIDE = (EcomState.SUPERSEDED, EcomState.UNMATCHED)
SET_ASIDE: Filter = ("ecomState", "in", [state.value for state in _SET_ASIDE])

_COUNTED: Filter = ("status", "in", sorted(status.value for status in COUNTED))
_ANY_CHANNEL: Filter = ("channel", "in", [channel.value for channel in Channel])
_REFUND: Filter = ("total", "<", 0)
_UNREAD = frozenset({"customerId", "items", SUPERSEDED_BY})
_READ = (*(name for name in SPENDING_FIELDS if name not in _UNREAD), "ecomState")
_KINDS = list(product(OrderStatus, Channel))


def figures_of(
    database: Database, org_id: str, period: Period, *, few: int = FEW
) -> tuple[SalesFigures, int]:
    """What the orders of a period add up to, and how many are left out; ``few`` see FEW. Raises
    TimedOut where ``database`` has a limit."""
    stored = database.totals(
        paths.orders(org_id), *_created(period), order_by=[("createdAt", "DESCENDING")]
    ).count
    weeks = period.weeks()
    few_of_all = few * (len(_KINDS) + len(weeks))
    figures = None
    if stored > few_of_all:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="figures") as pool:
            figures = _Adding(database, org_id, period, weeks, pool).up(stored, few_of_all)
    if figures is None:
        figures = _sum_of(_one_by_one(database, org_id, period), weeks)
    return figures, stored - figures.orders


class _Adding:
    """Has Firestore add up the orders of a period, several queries at a time."""

    def __init__(
        self,
        database: Database,
        org_id: str,
        period: Period,
        weeks: Sequence[Period],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._database = database
        self._orders = paths.orders(org_id)
        self._period = period
        self._weeks = weeks
        self._pool = pool

    def up(self, stored: int, few: int) -> SalesFigures | None:
        """The figures of the orders, of which ``stored`` are; None where some lack a field. Where
        ``few`` are set aside, these are read."""
        created = _created(self._period)
        removed = self._pool.submit(self._read, (REMOVED_AT, ">", EARLIEST))
        set_aside = self._pool.submit(self._database.totals, self._orders, SET_ASIDE, *created)
        figures = self._of()
        if figures.orders != stored:
            return None
        if set_aside.result().count > few:
            figures.subtract(self._of(SET_ASIDE))
        elif set_aside.result().count:
            figures.subtract(self._sum_of(self._read(SET_ASIDE)))
        figures.subtract(self._sum_of(o for o in removed.result() if not _is_set_aside(o)))
        return figures

    def _read(self, matching: Filter) -> list[Document]:
        """Those of the orders."""
        found = self._database.query(self._orders, *_created(self._period), matching, select=_READ)
        return list(found)

    def _sum_of(self, orders: Iterable[Document]) -> SalesFigures:
        return _sum_of(_facts(orders), self._weeks)

    def _of(self, *more: Filter) -> SalesFigures:
        """The figures of the orders that match the filters."""
        figures = SalesFigures()
        counted = [*more, _COUNTED, _ANY_CHANNEL]
        of_kinds = self._all(self._period, ([*more, *_of_kind(*kind)] for kind in _KINDS))
        of_weeks = [self._all(week, [counted]) for week in self._weeks]
        (refunds,) = self._all(self._period, [counted], _REFUND)
        for (status, channel), found in zip(_KINDS, of_kinds, strict=True):
            figures.statuses[status] += found.count
            figures.channels[channel] += found.count
            if status in COUNTED:
                figures.channel_cents[channel] += sum_to_cents(found.sums["total"])
                figures.counted += found.count
        for number, (found,) in enumerate(of_weeks):
            figures.week_cents[number] += sum_to_cents(found.sums["total"])
        # A refund has lowered the sums, but is no order.
        figures.counted -= refunds.count
        return figures

    def _all(
        self, period: Period, filters: Iterable[Sequence[Filter]], *last: Filter
    ) -> Iterator[Totals]:
        """Counts and sums of the orders of a period, for each of the filters; asked for at once."""
        created = _created(period)
        return self._pool.map(
            lambda each: self._database.totals(
                self._orders, *each, *created, *last, sums=["total"]
            ),
            filters,
        )


def _of_kind(status: OrderStatus, channel: Channel) -> list[Filter]:
    return [("status", "==", status.value), ("channel", "==", channel.value)]


def _created(period: Period) -> list[Filter]:
    return [("createdAt", ">=", period.since), ("createdAt", "<", period.until)]


def _sum_of(orders: Iterable[OrderFact], weeks: Sequence[Period]) -> SalesFigures:
    figures, starts = SalesFigures(), [week.since for week in weeks]
    for order in orders:
        figures.add(order, starts)
    return figures


def _one_by_one(database: Database, org_id: str, period: Period) -> Iterator[OrderFact]:
    """All orders of a period that are not left out."""
    found = database.query(
        paths.orders(org_id),
        *_created(period),
        select=_READ,
        order_by=[("createdAt", "DESCENDING")],
    )
    return _facts(o for o in found if not o.fields.get(REMOVED_AT) and not _is_set_aside(o))


def _is_set_aside(order: Document) -> bool:
    return order.fields.get("ecomState") in _SET_ASIDE


def _facts(orders: Iterable[Document]) -> Iterator[OrderFact]:
    return (fact for order in orders if (fact := fact_as_stored(order)))
