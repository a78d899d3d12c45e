"""An org's figures: its customers as of now, and its orders of a period."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import structlog

from shared.clock import Clock
from shared.domain.money import average_cents
from shared.domain.periods import Period, latest_weeks
from shared.domain.sales_figures import SalesFigures
from shared.errors import RequestInvalid
from shared.services.reads.customers import SegmentReads, SegmentTotals
from shared.store import customers, locations, order_figures
from shared.store.database import Database, Document, TimedOut

LONGEST_DAYS = 366
LIMIT_SECONDS = 15.0
"""How long the orders may be added up."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """How many customers there are, how many of them have an order that counts, what they have
    spent in all, and on average of those with an order."""

    total: int
    with_orders: int
    spent_cents: int
    segments: Sequence[SegmentTotals]
    top_spender: Document | None

    @property
    def average_cents(self) -> int:
        return average_cents(self.spent_cents, self.with_orders)


@dataclass(frozen=True, slots=True)
class OrgAnalytics:
    """The figures of an org. ``sales`` are of ``period``, None where they were not known in time;
    ``left_out`` stored orders of it are in no figure."""

    period: Period
    people: CustomerFigures
    sales: SalesFigures | None
    left_out: int


@dataclass(frozen=True, slots=True)
class AnalyticsReads:
    """Adds an org's figures up. ``few``: see ``store.order_figures``."""

    database: Database
    clock: Clock
    few: int = order_figures.FEW

    def __call__(self, org_id: str, first: date | None, last: date | None) -> OrgAnalytics:
        """The figures of the days from ``first`` to ``last`` by the org's calendar; None for the
        last WEEKS weeks, and for today. Raises RequestInvalid for days in the wrong order, or more
        than LONGEST_DAYS."""
        with ThreadPoolExecutor(1, thread_name_prefix="analytics") as pool:
            people = pool.submit(self._people, org_id)
            period = self._period(org_id, first, last)
            sales, left_out = self._sales(org_id, period)
            return OrgAnalytics(period, people.result(), sales, left_out)

    def _period(self, org_id: str, first: date | None, last: date | None) -> Period:
        zone = locations.zone_of(self.database, org_id)
        ends = last or self.clock().astimezone(zone).date()
        period = latest_weeks(ends, zone) if first is None else Period(first, ends, zone)
        if period.days < 1:
            raise RequestInvalid("from: after the last day")
        if period.days > LONGEST_DAYS:
            raise RequestInvalid(f"from: at most {LONGEST_DAYS} days before the last one")
        return period

    def _people(self, org_id: str) -> CustomerFigures:
        with ThreadPoolExecutor(3, thread_name_prefix="customers") as pool:
            total = pool.submit(customers.count_all, self.database, org_id)
            with_orders = pool.submit(customers.count_with_orders, self.database, org_id)
            top = pool.submit(customers.top_spender, self.database, org_id)
            segments = SegmentReads(self.database)(org_id)
            return CustomerFigures(
                total=total.result(),
                with_orders=with_orders.result(),
                spent_cents=sum(each.revenue_cents for each in segments),
                segments=segments,
                top_spender=top.result(),
            )

    def _sales(self, org_id: str, period: Period) -> tuple[SalesFigures | None, int]:
        try:
            limited = self.database.within(LIMIT_SECONDS)
            return order_figures.figures_of(limited, org_id, period, few=self.few)
        except TimedOut:
            log.warning("analytics_unknown", org_id=org_id, days=period.days)
            return None, 0
