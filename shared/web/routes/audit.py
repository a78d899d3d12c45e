"""``/api/admin/audit``: who has decided or changed what."""

from datetime import datetime
from typing import Any

from shared.services.admin.audit import Actor, Audit
from shared.web.auth import Rule, SignedInUser
from shared.web.request import Cursor, NoBody, OrgId, PageSize, Params
from shared.web.response import ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable


class AuditQuery(Params):
    """The org, or without one what concerns no org. ``cursor`` is the ``nextCursor`` before."""

    org_id: OrgId | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class ActionView(ResponseModel):
    """What somebody did, ``by`` whom, to what."""

    at: datetime
    by: str
    action: str
    org_id: str | None = None
    target: str
    request_id: str


class ActionsResponse(ResponseModel):
    """Actions, the latest first."""

    actions: list[ActionView]
    next_cursor: str | None = None


def actor_of(call: RouteCall[Any, Any]) -> Actor:
    """Who makes the request."""
    uid = call.caller.uid if isinstance(call.caller, SignedInUser) else call.caller.label
    return Actor(uid, call.request_id)


def routes(audit: Audit, every_org: Rule) -> RouteTable:
    """Rule: ``every_org`` for a role for every org."""
    table = RouteTable(every_org)

    @table.get("/api/admin/audit", AuditQuery, ActionsResponse)
    def actions(call: RouteCall[AuditQuery, NoBody]) -> RouteReply:
        """Who has decided or changed what, of an org or of what concerns none."""
        query = call.params
        found = audit.page(query.org_id, query.limit, query.cursor)
        shown = [ActionView.model_validate(each.model_dump()) for each in found.entries]
        return RouteReply(ActionsResponse(actions=shown, next_cursor=found.next_cursor))

    return table
