"""``/orgs/{orgId}/loyalty``."""

from shared.console.pages.parameters import PageParams
from shared.console.rendering import HTML, Console
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody
from shared.web.response import RouteReply
from shared.web.routes.loyalty_reads import (
    LoyaltyRunsResponse,
    LoyaltyStatusResponse,
    ReportResponse,
)
from shared.web.routing import RouteCall, RouteTable

DISCREPANCIES_SHOWN = 100
RUNS_SHOWN = 20


class LoyaltyPage(PageParams):
    """``cursor`` continues the log of runs."""

    cursor: Cursor | None = None


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/loyalty", LoyaltyPage, HTML)
    def show_loyalty(call: RouteCall[LoyaltyPage, NoBody]) -> RouteReply:
        """The points of an org: counts, what needs a review, and the runs."""
        reader, org_id = console.reader(call), call.org_id
        return console.page(
            call,
            "loyalty.html",
            title="Loyalty",
            section="loyalty",
            points=reader.get("/api/loyalty/sync", LoyaltyStatusResponse, orgId=org_id),
            report=reader.get(
                "/api/loyalty/report", ReportResponse, orgId=org_id, limit=DISCREPANCIES_SHOWN
            ),
            runs=reader.get(
                "/api/loyalty/runs",
                LoyaltyRunsResponse,
                orgId=org_id,
                limit=RUNS_SHOWN,
                cursor=call.params.cursor,
            ),
            asked=call.params.query,
        )

    return table
