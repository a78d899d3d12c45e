"""``/api/analytics``, for the staff of an org."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.domain.money import to_dollars
from shared.domain.orders import OrderStatus
from shared.domain.periods import Period
from shared.domain.sales_figures import SalesFigures
from shared.domain.segmentation import Segment
from shared.services.reads.analytics import AnalyticsReads, CustomerFigures, OrgAnalytics
from shared.services.reads.response_cache import ResponseCache
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, PeriodDay
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

KEPT_SECONDS = 300.0


class AnalyticsQuery(OrgQuery):
    """The days of the orders, both included, by the calendar of the org; the last 13 weeks up to
    ``to`` without ``from``, today without ``to``; at most 366 days."""

    first: Annotated[PeriodDay | None, Field(alias="from")] = None
    last: Annotated[PeriodDay | None, Field(alias="to")] = None


class TopSpenderView(ResponseModel):
    """Who has spent the most."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    total_spent: float


class CustomerTotalsView(ResponseModel):
    """All customers as of now, whatever the period. ``withOrders`` have an order that counts;
    ``averageSpent`` is what each of these has spent on average. Shares are 0 to 1."""

    total: int
    with_orders: int
    with_orders_share: float
    total_spent: float
    average_spent: float
    top_spender: TopSpenderView | None


class SegmentShareView(ResponseModel):
    """One segment, and its share of all customers."""

    segment: Segment
    customers: int
    share: float
    revenue: float


class WeekView(ResponseModel):
    """A week from Monday to Sunday, or the part of it that is in the period."""

    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    revenue: float


class StatusShareView(ResponseModel):
    """Orders of one status; ``none``: without one."""

    status: str
    orders: int
    share: float


class ChannelShareView(ResponseModel):
    """Orders of one channel, and their revenue."""

    channel: str
    orders: int
    share: float
    revenue: float


class OrderTotalsView(ResponseModel):
    """The orders of the period. ``revenue``, and ``counted`` orders: of those that count as
    spending; a refund lowers the revenue and is not counted. ``leftOut`` are stored and in no
    figure: removed at the POS, superseded by their sale, or without a customer."""

    total: int
    counted: int
    revenue: float
    average_order: float
    left_out: int
    weeks: list[WeekView]
    statuses: list[StatusShareView]
    channels: list[ChannelShareView]


class AnalyticsResponse(ResponseModel):
    """An org's figures. Without ``orders`` they were not known in time, and ``sales`` says so."""

    timezone: str
    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    customers: CustomerTotalsView
    segments: list[SegmentShareView]
    orders: OrderTotalsView | None
    sales: Literal["unknown"] | None


def routes(analytics: AnalyticsReads, answers: ResponseCache, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/analytics", AnalyticsQuery, AnalyticsResponse, cached=CHECKED)
    def read_analytics(call: RouteCall[AnalyticsQuery, NoBody]) -> RouteReply:
        """What an org's customers and orders add up to."""
        asked = call.params

        def read() -> AnalyticsResponse:
            return _view(analytics(call.org_id, asked.first, asked.last))

        return RouteReply(
            answers.of(call.org_id, asked, KEPT_SECONDS, read, keeps=lambda a: a.sales is None)
        )

    return table


def _view(found: OrgAnalytics) -> AnalyticsResponse:
    period, sales = found.period, found.sales
    return AnalyticsResponse(
        timezone=period.zone.key,
        first=period.first,
        last=period.last,
        customers=_customers(found.people),
        segments=[
            SegmentShareView(
                segment=each.segment,
                customers=each.customers,
                share=_share(each.customers, found.people.total),
                revenue=to_dollars(each.revenue_cents),
            )
            for each in found.people.segments
        ],
        orders=None if sales is None else _orders(sales, period, found.left_out),
        sales="unknown" if sales is None else None,
    )


def _customers(found: CustomerFigures) -> CustomerTotalsView:
    best = found.top_spender
    return CustomerTotalsView(
        total=found.total,
        with_orders=found.with_orders,
        with_orders_share=_share(found.with_orders, found.total),
        total_spent=to_dollars(found.spent_cents),
        average_spent=to_dollars(found.average_cents),
        top_spender=best and TopSpenderView.model_validate({"id": best.id, **best.fields}),
    )


def _orders(sales: SalesFigures, period: Period, left_out: int) -> OrderTotalsView:
    statuses = {*OrderStatus, *(status for status, orders in sales.statuses.items() if orders)}
    channels = sorted(channel for channel, orders in sales.channels.items() if orders)
    return OrderTotalsView(
        total=sales.orders,
        counted=sales.counted,
        revenue=to_dollars(sales.cents),
        average_order=to_dollars(sales.average_cents),
        left_out=left_out,
        weeks=[
            WeekView(
                first=week.first,
                last=week.last,
                revenue=to_dollars(sales.week_cents[number]),
            )
            for number, week in enumerate(period.weeks())
        ],
        statuses=[
            StatusShareView(
                status=status,
                orders=sales.statuses[status],
                share=_share(sales.statuses[status], sales.orders),
            )
            for status in sorted(statuses, key=lambda each: (-sales.statuses[each], each))
        ],
        channels=[
            ChannelShareView(
                channel=channel,
                orders=sales.channels[channel],
                share=_share(sales.channels[channel], sales.orders),
                revenue=to_dollars(sales.channel_cents[channel]),
            )
            for channel in channels
        ],
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
