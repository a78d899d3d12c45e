"""``/api/metrics`` and ``/api/pos/metrics``: reports of the customers' metrics, for the staff of an
org. A path has one function at the common address, so who asks for a report has another one."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import StringConstraints

from shared.errors import NotFound, RateLimited
from shared.services.reads.metrics import MetricsReads
from shared.store.metrics import MetricsReport, date_of
from shared.web.auth import Rule
from shared.web.request import Body, NoBody, NoParams, OrgId, OrgQuery
from shared.web.response import ErrorResponse, ResponseModel, RouteReply, StreamedContent
from shared.web.routes.audit import actor_of
from shared.web.routing import RouteCall, RouteTable

if TYPE_CHECKING:  # the function that reads reports need not load Pub/Sub
    from shared.services.metrics.requests import MetricsRequests

CSV = "text/csv; charset=utf-8"

ReportDate = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class AskBody(Body):
    """A user with one org may omit ``orgId``."""

    org_id: OrgId | None = None


class ReportQuery(OrgQuery):
    """The report of a ``date``: what it is, or as CSV its file."""

    date: ReportDate
    format: Literal["json", "csv"] = "json"


class AskedResponse(ResponseModel):
    """A report that was asked for. ``reportUrl``, a path at this host, is where it will be."""

    org_id: str
    date: str
    as_of: datetime
    report_url: str


class ReportView(ResponseModel):
    """A report of so many ``customers`` as of a moment, known by the moment's date in UTC."""

    date: str
    as_of: datetime
    completed_at: datetime
    customers: int
    csv_url: str


class ReportsResponse(ResponseModel):
    """The reports, the latest first."""

    items: list[ReportView]


def request_routes(requests: "MetricsRequests", staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.post(
        "/api/pos/metrics",
        NoParams,
        AskBody,
        (202, AskedResponse),
        (409, ErrorResponse),
        errors=[RateLimited],
    )
    def ask(call: RouteCall[NoParams, AskBody]) -> RouteReply:
        """Have a report of the org's metrics made now. 409 while one is being made."""
        as_of = requests.ask(call.org_id, actor_of(call))
        date = date_of(as_of)
        url = _url(call.org_id, date)
        body = AskedResponse(org_id=call.org_id, date=date, as_of=as_of, report_url=url)
        return RouteReply(body, status=202)

    return table


def report_routes(reports: MetricsReads, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/metrics", OrgQuery, ReportsResponse)
    def list_reports(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """The reports of the org's metrics, the latest first."""
        items = [_view(call.org_id, each) for each in reports.all(call.org_id)]
        return RouteReply(ReportsResponse(items=items))

    @table.get("/api/metrics/{date}", ReportQuery, ReportView, CSV, errors=[NotFound])
    def get_report(call: RouteCall[ReportQuery, NoBody]) -> RouteReply:
        """A report of the org's metrics; its file with ``format=csv``, a row for each customer."""
        date = call.params.date
        if call.params.format == "json":
            return RouteReply(_view(call.org_id, reports.get(call.org_id, date)))
        named = {"Content-Disposition": f'attachment; filename="customer-metrics-{date}.csv"'}
        return RouteReply(StreamedContent(CSV, reports.csv(call.org_id, date)), headers=named)

    return table


def _url(org_id: str, date: str) -> str:
    return f"/api/metrics/{date}?orgId={org_id}"


def _view(org_id: str, report: MetricsReport) -> ReportView:
    return ReportView(
        date=report.date,
        as_of=report.as_of,
        completed_at=report.completed_at,
        customers=report.customers,
        csv_url=f"{_url(org_id, report.date)}&format=csv",
    )
