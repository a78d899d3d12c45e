"""``/orgs/{orgId}/analytics``."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from shared.console.formats import words
from shared.console.pages.parameters import PageParams
from shared.console.rendering import HTML, Console
from shared.domain.segmentation import Segment
from shared.web.auth import Rule
from shared.web.request import NoBody, PeriodDay
from shared.web.response import RouteReply
from shared.web.routes.analytics import AnalyticsResponse
from shared.web.routing import RouteCall, RouteTable

PRESETS = (("4 weeks", 4 * 7), ("13 weeks", 13 * 7), ("26 weeks", 26 * 7), ("52 weeks", 52 * 7))
"""Periods up to the last day shown, and how many days they have."""


class AnalyticsPage(PageParams):
    """The first and the last day."""

    first: Annotated[PeriodDay | None, Field(alias="from")] = None
    last: Annotated[PeriodDay | None, Field(alias="to")] = None


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/analytics", AnalyticsPage, HTML)
    def show_analytics(call: RouteCall[AnalyticsPage, NoBody]) -> RouteReply:
        """What an org's customers and orders add up to."""
        asked = call.params.query
        found = console.reader(call).get(
            "/api/analytics", AnalyticsResponse, **asked, orgId=call.org_id
        )
        return console.page(
            call,
            "analytics.html",
            title="Analytics",
            section="analytics",
            found=found,
            asked=asked,
            days={"from": found.first.isoformat(), "to": found.last.isoformat()},
            weeks=_labels(found),
            segments=[
                "VIP" if s.segment is Segment.VIP else words(s.segment) for s in found.segments
            ],
            presets=[(label, _since(found.last, days)) for label, days in PRESETS],
        )

    return table


def _labels(found: AnalyticsResponse) -> list[str]:
    """The first days of the weeks."""
    weeks = found.orders.weeks if found.orders else []
    return [f"{week.first:%b} {week.first.day}" for week in weeks]


def _since(last: date, days: int) -> str:
    """The Monday in whose week the period begins that has about so many days."""
    first = last - timedelta(days=days - 1)
    return (first + timedelta(days=-first.weekday() % 7)).isoformat()
