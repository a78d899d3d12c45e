"""``/api/admin/…``: what people decide about an org and its dead letters: removals, replays,
reviews."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from shared.errors import NotFound, RateLimited
from shared.services.admin.loyalty_reviews import ReviewLoyalty
from shared.services.admin.removals import RemovalChanged, RemovalDecisions, RemovalUnproven
from shared.services.admin.replays import Replays
from shared.services.dead_letters import ReplayResult
from shared.services.manual_sync import RunUnderWay
from shared.web.auth import Rule
from shared.web.request import Body, NoParams, OrgId, RecordId
from shared.web.response import ResponseModel, RouteReply
from shared.web.routes.audit import actor_of
from shared.web.routes.runs import RunUnderWayResponse, status_url, under_way_reply
from shared.web.routing import RouteCall, RouteTable

RemovalId = Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]
DocumentName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f]+$")]


class OrgBody(Body):
    """The org that it is about."""

    org_id: OrgId | None = None


class RemovalDecisionBody(OrgBody):
    """What to do with removals that are held, by the ids that ``GET /api/removals`` shows."""

    decision: Literal["approve", "refuse"]
    removals: Annotated[tuple[RemovalId, ...], Field(min_length=1, max_length=6)]


class QuarantineReplayBody(OrgBody):
    """The records to be asked for again: all of the org, or the one of an id."""

    id: DocumentName | None = None


class DeadLetterReplayBody(Body):
    """The dead letter to be sent again."""

    id: DocumentName


class LoyaltyReviewBody(OrgBody):
    """The customer whose figures somebody has looked at."""

    customer_id: RecordId


class DecisionResponse(ResponseModel):
    """The decision, and the run that carries it out; without one the next run does."""

    org_id: str
    decision: Literal["approve", "refuse"]
    run_id: str | None = None
    status_url: str | None = None


class ReplayResponse(ResponseModel):
    """How many were sent again; the ids of those that cannot be, and why."""

    sent: int
    left: dict[str, str]


class ReviewedResponse(ResponseModel):
    """The customer whose figures count as looked at."""

    org_id: str
    customer_id: str


def routes(
    removals: RemovalDecisions,
    replays: Replays,
    review: ReviewLoyalty,
    staff: Rule,
    every_org: Rule,
) -> RouteTable:
    """Rules: ``staff`` for the staff of an org, ``every_org`` for a role for every org."""
    table = RouteTable(staff)

    @table.post(
        "/api/admin/removals",
        NoParams,
        RemovalDecisionBody,
        (202, DecisionResponse),
        (409, RunUnderWayResponse),
        errors=[RemovalChanged, RemovalUnproven, RateLimited],
    )
    def decide(call: RouteCall[NoParams, RemovalDecisionBody]) -> RouteReply:
        """Approve or refuse removals that are held."""
        org_id, asked = call.org_id, call.body
        if asked.decision == "refuse":
            run_id = removals.refuse(org_id, asked.removals, actor_of(call))
        else:
            try:
                run_id = removals.approve(org_id, asked.removals, actor_of(call))
            except RunUnderWay as error:
                return under_way_reply(error, call, status_url(org_id, error.run_id))
        url = status_url(org_id, run_id) if run_id else None
        decided = DecisionResponse(
            org_id=org_id, decision=asked.decision, run_id=run_id, status_url=url
        )
        return RouteReply(decided, status=202)

    @table.post(
        "/api/admin/quarantine/replay", NoParams, QuarantineReplayBody, (202, ReplayResponse)
    )
    def replay_quarantine(call: RouteCall[NoParams, QuarantineReplayBody]) -> RouteReply:
        """Ask the POS again for records in quarantine."""
        return _replayed(replays.quarantine(call.org_id, call.body.id, actor_of(call)))

    @table.post(
        "/api/admin/dead-letters/replay",
        NoParams,
        DeadLetterReplayBody,
        (202, ReplayResponse),
        rule=every_org,
        errors=[NotFound],
    )
    def replay_dead_letter(call: RouteCall[NoParams, DeadLetterReplayBody]) -> RouteReply:
        """Send a dead letter to its topic again."""
        return _replayed(replays.dead_letter(call.body.id, actor_of(call)))

    @table.post(
        "/api/admin/loyalty/reviewed",
        NoParams,
        LoyaltyReviewBody,
        ReviewedResponse,
        errors=[NotFound],
    )
    def reviewed(call: RouteCall[NoParams, LoyaltyReviewBody]) -> RouteReply:
        """Note that somebody has looked at a customer's points, until their figures change."""
        review(call.org_id, call.body.customer_id, actor_of(call))
        return RouteReply(ReviewedResponse(org_id=call.org_id, customer_id=call.body.customer_id))

    return table


def _replayed(result: ReplayResult) -> RouteReply:
    left: Mapping[str, str] = result.left
    return RouteReply(ReplayResponse(sent=result.sent, left=dict(left)), status=202)
