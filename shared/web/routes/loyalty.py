"""``/api/loyalty/…``: loyalty runs, points and reports."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.domain.loyalty import ProviderStatus, TierSource
from shared.errors import Forbidden, NotFound
from shared.services.loyalty.on_demand import (
    AskForLoyalty,
    CustomerPoints,
    LookUpPoints,
    LoyaltyReads,
    Points,
)
from shared.services.manual_sync import RunUnderWay
from shared.web.auth import ANY_ORG, Rule, SignedInUser
from shared.web.request import Body, NoBody, NoParams, OrgId, Params, RecordId
from shared.web.response import RawContent, ResponseModel, RouteReply
from shared.web.routes.runs import RunUnderWayResponse, StartedRunResponse, under_way_reply
from shared.web.routing import Route, RouteCall

CSV = "text/csv"
COLUMNS = (
    "customerId",
    "pointsFromOrders",
    "pointsFromAlpine",
    "discrepancy",
    "alpineUserId",
    "lastCalculated",
    "lastEntries",
)


class LoyaltySyncRequest(Body):
    """The customer, or the whole org, whose points to update. ``full`` looks up every customer at
    Alpine IQ, not only those who may have changed."""

    org_id: OrgId | None = None
    customer_id: RecordId | None = None
    full: bool = False


class StandingQuery(Params):
    """An org, or one of its customers."""

    org_id: OrgId
    customer_id: RecordId | None = None


class PointsQuery(Params):
    """A customer by telephone, or by e-mail; the telephone takes precedence."""

    org_id: OrgId
    phone: Annotated[str, Field(max_length=40)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None


class ReportQuery(Params):
    """An org, and the format of the report."""

    org_id: OrgId
    format: Literal["json", "csv"] = "json"


class LoyaltyStatsView(ResponseModel):
    """Numbers of an org's customers by the state of their points."""

    total_customers: int
    with_alpine_sync: int
    with_calculated_points: int
    reconciled: int
    needs_review: int
    last_sync_at: datetime | None


class PointsEntryView(ResponseModel):
    """The points of an order, and the balance after it. ``total`` in dollars."""

    order_id: str
    at: datetime
    total: float
    points: int
    balance: int


class ReconciliationView(ResponseModel):
    """A customer's points by orders and by Alpine IQ, and their comparison. ``alpineIq`` says
    whether the customer was found there."""

    customer_id: str
    points: int
    points_from_orders: int
    points_from_alpine: int | None
    tier: str | None
    tier_source: TierSource
    reconciled: bool
    needs_review: bool
    discrepancy: int
    alpine_user_id: str | None
    last_calculated: datetime
    last_entries: list[PointsEntryView]
    alpine_iq: ProviderStatus | None


class StandingResponse(ResponseModel):
    """The points of an org, or of one customer."""

    success: Literal[True] = True
    stats: LoyaltyStatsView | None = None
    reconciliation: ReconciliationView | None = None


class PointsView(ResponseModel):
    """Points, their tier, and their source."""

    points: int
    tier: str | None
    source: Literal["alpine_iq", "calculated", "orders"]


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


class ReportResponse(ResponseModel):
    """Every customer in review, the largest discrepancy first."""

    items: list[ReconciliationView]


@dataclass(frozen=True, slots=True)
class _Handlers:
    ask: AskForLoyalty
    standing: LoyaltyReads
    points: LookUpPoints

    def start(self, call: RouteCall[NoParams, LoyaltySyncRequest]) -> RouteReply:
        user, asked = call.caller, call.body
        assert isinstance(user, SignedInUser)
        if asked.full and not user.roles & ANY_ORG:
            raise Forbidden("full is for " + " and ".join(sorted(ANY_ORG)))
        url = f"/api/loyalty/sync?orgId={call.org_id}"
        if asked.customer_id is not None:
            url += f"&customerId={asked.customer_id}"
        try:
            run_id = self.ask(call.org_id, asked.customer_id, full=asked.full)
        except RunUnderWay as error:
            return under_way_reply(error, call, url)
        return RouteReply(
            StartedRunResponse(run_id=run_id, org_id=call.org_id, status_url=url), status=202
        )

    def read(self, call: RouteCall[StandingQuery, NoBody]) -> RouteReply:
        if call.params.customer_id is not None:
            found = self.standing.of_customer(call.org_id, call.params.customer_id)
            if found is None:
                raise NotFound("there is no such customer, or no points so far")
            return RouteReply(StandingResponse(reconciliation=_reconciliation_view(found)))
        counts, last_sync_at = self.standing.counts(call.org_id)
        return RouteReply(
            StandingResponse(stats=LoyaltyStatsView(**asdict(counts), last_sync_at=last_sync_at))
        )

    def look_up(self, call: RouteCall[PointsQuery, NoBody]) -> RouteReply:
        asked = call.params
        return RouteReply(
            _points_response(self.points(call.org_id, phone=asked.phone, email=asked.email))
        )

    def report(self, call: RouteCall[ReportQuery, NoBody]) -> RouteReply:
        found = self.standing.in_review(call.org_id)
        if call.params.format == "csv":
            return RouteReply(RawContent(CSV, _csv_table(found)))
        return RouteReply(ReportResponse(items=[_reconciliation_view(each) for each in found]))


def routes(
    ask: AskForLoyalty, standing: LoyaltyReads, points: LookUpPoints, staff: Rule
) -> tuple[Route[Any, Any], ...]:
    """``staff`` is the rule for the staff of an org."""
    handlers = _Handlers(ask, standing, points)
    return (
        Route(
            method="POST",
            path="/api/loyalty/sync",
            rule=staff,
            summary="Update the points of an org, or of one customer.",
            params=NoParams,
            body=LoyaltySyncRequest,
            answers=[(202, StartedRunResponse), (409, RunUnderWayResponse)],
            errors=[NotFound],
            handler=handlers.start,
        ),
        Route(
            method="GET",
            path="/api/loyalty/sync",
            rule=staff,
            summary="The points of an org, or of one customer.",
            params=StandingQuery,
            body=NoBody,
            answers=[(200, StandingResponse)],
            errors=[NotFound],
            handler=handlers.read,
        ),
        Route(
            method="GET",
            path="/api/loyalty/points",
            rule=staff,
            summary="The current points of a customer, by telephone or e-mail.",
            params=PointsQuery,
            body=NoBody,
            answers=[(200, PointsResponse)],
            errors=[NotFound],
            handler=handlers.look_up,
        ),
        Route(
            method="GET",
            path="/api/loyalty/report",
            rule=staff,
            summary="Every customer whose points need a review.",
            params=ReportQuery,
            body=NoBody,
            answers=[(200, ReportResponse), (200, CSV)],
            handler=handlers.report,
        ),
    )


def _reconciliation_view(found: CustomerPoints) -> ReconciliationView:
    fields = asdict(found)
    entries, alpine = fields.pop("entries"), fields.pop("alpine")
    return ReconciliationView(
        **fields,
        alpine_iq=alpine,
        last_entries=[
            PointsEntryView(
                order_id=entry["orderId"],
                at=entry["at"],
                total=entry["total"],
                points=entry["points"],
                balance=entry["balance"],
            )
            for entry in entries
        ],
    )


def _points_response(found: Points) -> PointsResponse:
    result = found.result
    calculated = found.calculated_tier
    return PointsResponse(
        customer_id=found.customer_id,
        primary=PointsView(
            points=result.points,
            tier=result.tier.id if result.tier else None,
            source=result.tier_source.value,
        ),
        calculated=PointsView(
            points=result.points_from_orders,
            tier=calculated.id if calculated else None,
            source="orders",
        ),
        reconciliation=ComparisonView(
            reconciled=result.reconciled,
            needs_review=result.needs_review,
            discrepancy=result.discrepancy,
            alpine_iq=result.provider_status,
        ),
    )


def _csv_table(found: Iterable[CustomerPoints]) -> bytes:
    """One line per customer; the last entries in one cell, as ``order: points``."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for each in found:
        entries = "; ".join(f"{entry['orderId']}: {entry['points']:+d}" for entry in each.entries)
        table.writerow(
            (
                each.customer_id,
                each.points_from_orders,
                each.points_from_alpine,
                each.discrepancy,
                each.alpine_user_id,
                each.last_calculated.isoformat(),
                entries,
            )
        )
    return text.getvalue().encode()
