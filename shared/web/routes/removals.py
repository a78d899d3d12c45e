"""``GET /api/removals``: an org's removals that wait for a person, for its staff."""

from dataclasses import asdict
from datetime import datetime

from shared.services.reads.operations import RemovalReads
from shared.services.reads.response_cache import ResponseCache
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

KEPT_SECONDS = 30.0


class NamedRecordView(ResponseModel):
    """A record that would go; without a name if it has none, or is not stored."""

    id: str
    name: str | None = None


class RemovalView(ResponseModel):
    """A removal that waits. ``id``: by which it is approved or refused; absent until the next sync
    gives it one. Not ``proven``: the POS's answer is no proof, and it cannot be approved.
    ``records`` are the first of ``count``."""

    id: str | None = None
    provider: str
    stream: str
    reason: str
    count: int
    proven: bool
    since: datetime | None = None
    records: list[NamedRecordView]


class RemovalsResponse(ResponseModel):
    """The removals that wait, of every provider and stream."""

    removals: list[RemovalView]


def routes(reads: RemovalReads, answers: ResponseCache, staff: Rule) -> RouteTable:
    """``answers`` are kept until a run of the org commits; ``staff`` is the rule for the staff of
    an org."""
    table = RouteTable(staff)

    @table.get("/api/removals", OrgQuery, RemovalsResponse, cached=CHECKED)
    def list_removals(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """What would be removed if somebody approved, why it is held, and since when."""
        org_id = call.org_id
        found = answers.of(org_id, "removals", KEPT_SECONDS, lambda: reads(org_id))
        views = [RemovalView.model_validate({**asdict(r), "id": r.id or None}) for r in found]
        return RouteReply(RemovalsResponse(removals=views))

    return table
