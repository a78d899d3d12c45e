"""``GET /api/incidents``: what people were alerted to about an org, for its staff."""

from datetime import datetime

from shared.domain.incidents import Incident
from shared.services.reads.operations import IncidentReads, IncidentState
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable


class IncidentsQuery(OrgQuery):
    """Incidents of one ``state``, or of all."""

    state: IncidentState | None = None


class IncidentView(ResponseModel):
    """An incident; ``key`` is its kind, of which an org has one. ``sentAt``: when every address had
    been told; ``attempts``: how often that was tried. Times in UTC."""

    key: str
    state: IncidentState
    title: str
    body: str
    opened_at: datetime
    resolved_at: datetime | None = None
    sent_at: datetime | None = None
    attempts: int


class IncidentsResponse(ResponseModel):
    """The org's incidents of the last year: the open ones first, then the latest."""

    incidents: list[IncidentView]


def routes(reads: IncidentReads, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/incidents", IncidentsQuery, IncidentsResponse, cached=CHECKED)
    def list_incidents(call: RouteCall[IncidentsQuery, NoBody]) -> RouteReply:
        """The org's incidents: what is wrong or was, and whether people were told."""
        found = reads.of_org(call.org_id, call.params.state)
        return RouteReply(IncidentsResponse(incidents=list(map(incident_view, found))))

    return table


def incident_view(incident: Incident) -> IncidentView:
    """An incident as it is answered."""
    return IncidentView.model_validate(incident.model_dump(include=set(IncidentView.model_fields)))
