"""``/api/loyalty/sync`` and ``…/points``: start loyalty runs, and look up points at Alpine IQ."""

from typing import Annotated, Literal

from pydantic import Field

from shared.domain.loyalty import ProviderStatus, Tier
from shared.errors import NotFound
from shared.services.loyalty.on_demand import AskForLoyalty, LookUpPoints, Points
from shared.services.manual_sync import RunUnderWay
from shared.web.auth import Rule
from shared.web.request import Body, NoBody, NoParams, OrgId, OrgQuery, RecordId
from shared.web.response import ResponseModel, RouteReply
from shared.web.routes.audit import actor_of
from shared.web.routes.runs import RunUnderWayResponse, StartedRunResponse, under_way_reply
from shared.web.routing import RouteCall, RouteTable

PointsSource = Literal["alpine_iq", "calculated", "orders"]


class LoyaltySyncRequest(Body):
    """The customer, or the whole org, whose points to update."""

    org_id: OrgId | None = None
    customer_id: RecordId | None = None


class PointsQuery(OrgQuery):
    """A customer by telephone, or by e-mail; the telephone takes precedence."""

    phone: Annotated[str, Field(max_length=40)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None


class PointsView(ResponseModel):
    """Points, the id, name and colour of their tier, and their source."""

    points: int
    tier: str | None
    tier_name: str | None
    tier_color: str | None
    source: PointsSource


class ComparisonView(ResponseModel):
    """Whether both figures agree; ``discrepancy`` is their difference in points."""

    reconciled: bool
    needs_review: bool
    discrepancy: int
    alpine_iq: ProviderStatus


class PointsResponse(ResponseModel):
    """A customer's points: those that apply, those calculated from orders, and their comparison."""

    customer_id: str
    primary: PointsView
    calculated: PointsView
    reconciliation: ComparisonView


def routes(ask: AskForLoyalty, points: LookUpPoints, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.post(
        "/api/loyalty/sync",
        NoParams,
        LoyaltySyncRequest,
        (202, StartedRunResponse),
        (409, RunUnderWayResponse),
        errors=[NotFound],
    )
    def start(call: RouteCall[NoParams, LoyaltySyncRequest]) -> RouteReply:
        """Update the points of an org, or of one customer."""
        asked = call.body
        url = _status_url(call.org_id, asked.customer_id)
        try:
            run_id = ask(call.org_id, asked.customer_id, actor_of(call))
        except RunUnderWay as error:
            return under_way_reply(error, call, url)
        started = StartedRunResponse(run_id=run_id, org_id=call.org_id, status_url=url)
        return RouteReply(started, status=202)

    @table.get("/api/loyalty/points", PointsQuery, PointsResponse, errors=[NotFound])
    def look_up(call: RouteCall[PointsQuery, NoBody]) -> RouteReply:
        """The current points of a customer, by telephone or e-mail."""
        found = points(call.org_id, phone=call.params.phone, email=call.params.email)
        return RouteReply(_points_response(found))

    return table


def _status_url(org_id: str, customer_id: str | None) -> str:
    url = f"/api/loyalty/sync?orgId={org_id}"
    return url if customer_id is None else f"{url}&customerId={customer_id}"


def _points_response(found: Points) -> PointsResponse:
    result = found.result
    return PointsResponse(
        customer_id=found.customer_id,
        primary=_points_view(result.points, result.tier, result.tier_source.value),
        calculated=_points_view(result.points_from_orders, found.calculated_tier, "orders"),
        reconciliation=ComparisonView(
            reconciled=result.reconciled,
            needs_review=result.needs_review,
            discrepancy=result.discrepancy,
            alpine_iq=result.provider_status,
        ),
    )


def _points_view(points: int, tier: Tier | None, source: PointsSource) -> PointsView:
    return PointsView(
        points=points,
        tier=tier.id if tier else None,
        tier_name=tier.name if tier else None,
        tier_color=tier.color if tier else None,
        source=source,
    )
