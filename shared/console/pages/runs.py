"""``/orgs/{orgId}/runs`` and ``/orgs/{orgId}/reports``: what runs have done, and dry runs would."""

from shared.console.pages.orgs import drawn
from shared.console.pages.parameters import PageParams
from shared.console.rendering import HTML, Console
from shared.errors import NotFound
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody, RecordId
from shared.web.response import RouteReply
from shared.web.routes.run_history import ReportResponse, RunResponse, RunsResponse
from shared.web.routing import RouteCall, RouteTable


class RunsPage(PageParams):
    """Which runs are listed."""

    cursor: Cursor | None = None


class RunPage(PageParams):
    """One run."""

    run_id: RecordId


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/runs", RunsPage, HTML)
    def show_runs(call: RouteCall[RunsPage, NoBody]) -> RouteReply:
        """An org's runs, the latest first."""
        asked = call.params.query
        found = console.reader(call).get("/api/pos/sync", RunsResponse, **asked, orgId=call.org_id)
        return console.page(
            call,
            "runs.html",
            title="Sync runs",
            section="overview",
            found=found,
            asked=asked,
            drawn=drawn(found.runs),
        )

    @table.get("/orgs/{orgId}/runs/{runId}", RunPage, HTML, errors=[NotFound])
    def show_run(call: RouteCall[RunPage, NoBody]) -> RouteReply:
        """One run: its streams, and what went wrong."""
        run = console.reader(call).get(
            "/api/pos/sync/{runId}", RunResponse, **call.params.query, orgId=call.org_id
        )
        return console.page(call, "run.html", title="Sync run", section="overview", run=run)

    @table.get("/orgs/{orgId}/reports/{runId}", RunPage, HTML)
    def show_report(call: RouteCall[RunPage, NoBody]) -> RouteReply:
        """What a dry run has found; as long as there is no report, that it is waited for."""
        try:
            report = console.reader(call).get(
                "/api/reports/{runId}", ReportResponse, **call.params.query, orgId=call.org_id
            )
        except NotFound:
            report = None
        return console.page(
            call,
            "report.html",
            title="Dry run",
            section="overview",
            report=report,
            run_id=call.params.run_id,
        )

    return table
