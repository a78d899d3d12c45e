"""What people look through when something is to be decided: quarantine, removals that are held,
incidents, dead letters."""

from typing import Literal, get_args

from shared.bus.messages import STREAMS, StreamName
from shared.console.pages.orgs import sees_every_org
from shared.console.pages.parameters import FleetParams, PageParams
from shared.console.rendering import HTML, Console
from shared.services.reads.operations import IncidentState
from shared.web.auth import EveryOrg, Staff
from shared.web.request import Cursor, NoBody, OrgId
from shared.web.response import RouteReply
from shared.web.routes.dead_letters import DeadLettersResponse
from shared.web.routes.incidents import IncidentsResponse
from shared.web.routes.quarantine import QuarantineResponse
from shared.web.routes.removals import RemovalsResponse
from shared.web.routing import RouteCall, RouteTable

SPENDING = "spending"
PER_PAGE = 20
"""Each shows what the POS, or a publisher, has sent."""


class QuarantinePageParams(PageParams):
    """Records of one kind, or of all."""

    stream: StreamName | Literal["spending"] | None = None
    cursor: Cursor | None = None


class IncidentsPage(PageParams):
    """Incidents of one state, or of all."""

    state: IncidentState | None = None


class DeadLettersPage(FleetParams):
    """Messages about one org, or all."""

    org_id: OrgId | None = None
    cursor: Cursor | None = None


def routes(console: Console, staff: Staff) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/quarantine", QuarantinePageParams, HTML)
    def show_quarantine(call: RouteCall[QuarantinePageParams, NoBody]) -> RouteReply:
        """Records that could not be used."""
        asked = call.params.query
        found = console.reader(call).get(
            "/api/quarantine", QuarantineResponse, **asked, orgId=call.org_id, limit=PER_PAGE
        )
        return console.page(
            call,
            "quarantine.html",
            title="Quarantine",
            section="overview",
            found=found,
            asked=asked,
            streams=[*STREAMS, SPENDING],
        )

    @table.get("/orgs/{orgId}/removals", PageParams, HTML)
    def show_removals(call: RouteCall[PageParams, NoBody]) -> RouteReply:
        """Removals that wait for a person."""
        found = console.reader(call).get("/api/removals", RemovalsResponse, orgId=call.org_id)
        return console.page(
            call, "removals.html", title="Held removals", section="overview", found=found
        )

    @table.get("/orgs/{orgId}/incidents", IncidentsPage, HTML)
    def show_incidents(call: RouteCall[IncidentsPage, NoBody]) -> RouteReply:
        """What people were alerted to."""
        asked = call.params.query
        found = console.reader(call).get(
            "/api/incidents", IncidentsResponse, **asked, orgId=call.org_id
        )
        return console.page(
            call,
            "incidents.html",
            title="Incidents",
            section="overview",
            found=found,
            asked=asked,
            states=get_args(IncidentState),
            operator=sees_every_org(call),
        )

    @table.get("/dead-letters", DeadLettersPage, HTML, rule=EveryOrg(staff))
    def show_dead_letters(call: RouteCall[DeadLettersPage, NoBody]) -> RouteReply:
        """Messages that could not be processed."""
        asked = call.params.query
        found = console.reader(call).get(
            "/api/dead-letters", DeadLettersResponse, **asked, limit=PER_PAGE
        )
        return console.page(
            call,
            "dead_letters.html",
            title="Dead letters",
            section="dead-letters",
            found=found,
            asked=asked,
        )

    return table
