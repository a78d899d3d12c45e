"""``/audit``: who has decided or changed what."""

from shared.console.pages.parameters import FleetParams
from shared.console.rendering import HTML, Console
from shared.web.auth import EveryOrg, Staff
from shared.web.request import Cursor, NoBody, OrgId
from shared.web.response import RouteReply
from shared.web.routes.audit import ActionsResponse
from shared.web.routing import RouteCall, RouteTable


class AuditPageParams(FleetParams):
    """Actions of an org, or those that concern none."""

    org_id: OrgId | None = None
    cursor: Cursor | None = None


def routes(console: Console, staff: Staff) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(EveryOrg(staff))

    @table.get("/audit", AuditPageParams, HTML)
    def show_audit(call: RouteCall[AuditPageParams, NoBody]) -> RouteReply:
        """Who has decided or changed what."""
        asked = call.params.query
        found = console.reader(call).get("/api/admin/audit", ActionsResponse, **asked)
        return console.page(
            call, "audit.html", title="Audit log", section="audit", found=found, asked=asked
        )

    return table
