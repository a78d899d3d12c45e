"""``/api/loyalty/sync``, ``…/runs`` and ``…/report``: what loyalty runs have stored, for the staff
of an org. What starts them, or asks Alpine IQ, is in loyalty.py."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.domain.loyalty import ProviderStatus, TierSource
from shared.domain.runs import RunState
from shared.errors import NotFound
from shared.services.reads.loyalty import LoyaltyReads
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, PageQuery, RecordId
from shared.web.response import RawContent, ResponseModel, RouteReply
from shared.web.routes.run_history import RunProblemView
from shared.web.routing import RouteCall, RouteTable

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


class LoyaltyStatusQuery(OrgQuery):
    """An org, or one of its customers."""

    customer_id: RecordId | None = None


class ReportQuery(OrgQuery):
    """An org, and the format of the report; ``limit``: only the customers with the largest
    discrepancies."""

    format: Literal["json", "csv"] = "json"
    limit: Annotated[int, Field(ge=1, le=1_000)] | None = None


class LoyaltyRunsQuery(PageQuery):
    """A page of an org's loyalty runs."""


class LoyaltyStatsView(ResponseModel):
    """Numbers of an org's customers by the state of their points."""

    total_customers: int
    with_alpine_sync: int
    with_calculated_points: int
    reconciled: int
    needs_review: int
    last_sync_at: datetime | None


class LoyaltyCountsView(ResponseModel):
    """Numbers of customers in a run: those to work on, those looked up at Alpine IQ by its answers,
    and those calculated by their results. ``postponed`` are left to a later run by the rate
    limit; ``ledgerEntries`` counts entries written."""

    customers: int
    asked: int
    found: int
    no_contact: int
    hidden: int
    unavailable: int
    postponed: int
    reconciled: int
    needs_review: int
    newly_in_review: int
    updated: int
    unchanged: int
    ledger_entries: int


class LoyaltyRunView(ResponseModel):
    """A run; ``endedAt`` is absent while it is under way. ``successRate`` is the share (0 to 1) of
    the calculated customers that did not lack Alpine IQ's answer, ``averageDiscrepancy`` in points
    over those with both figures, ``providerErrors`` the look-ups that failed."""

    run_id: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    error: RunProblemView | None = None
    everybody: bool
    alpine_down: bool
    success_rate: float | None = None
    average_discrepancy: float | None = None
    provider_errors: int
    counts: LoyaltyCountsView


class PointsEntryView(ResponseModel):
    """The points of an order, and the balance after it. ``total`` in dollars."""

    order_id: str
    at: datetime
    total: float
    points: int
    balance: int


class ReviewView(ResponseModel):
    """Who has looked at a customer's two figures, and when."""

    by: str
    at: datetime


class ReconciliationView(ResponseModel):
    """A customer's points by orders and by Alpine IQ, and their comparison. ``tier`` is the tier's
    id; ``alpineIq`` says whether the customer was found there."""

    customer_id: str
    first_name: str | None = None
    last_name: str | None = None
    points: int
    points_from_orders: int
    points_from_alpine: int | None = None
    tier: Annotated[str | None, Field(validation_alias="loyaltyTier")] = None
    tier_name: str | None = None
    tier_color: str | None = None
    tier_source: TierSource
    reconciled: Annotated[bool, Field(validation_alias="loyaltyReconciled")]
    needs_review: bool
    reviewed: ReviewView | None = None
    discrepancy: Annotated[int, Field(validation_alias="loyaltyDiscrepancy")]
    alpine_user_id: str | None = None
    last_calculated: Annotated[datetime, Field(validation_alias="pointsLastCalculated")]
    last_entries: list[PointsEntryView]
    alpine_iq: ProviderStatus | None = None


class LoyaltyStatusResponse(ResponseModel):
    """The points of an org with its last run, or of one customer."""

    success: Literal[True] = True
    stats: LoyaltyStatsView | None = None
    last_run: LoyaltyRunView | None = None
    reconciliation: ReconciliationView | None = None


class ReportResponse(ResponseModel):
    """The customers in review, the largest discrepancy first."""

    items: list[ReconciliationView]


class LoyaltyRunsResponse(ResponseModel):
    """A page of runs, the latest first. The last page has no ``nextCursor``."""

    items: list[LoyaltyRunView]
    next_cursor: str | None


def routes(reads: LoyaltyReads, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/loyalty/sync", LoyaltyStatusQuery, LoyaltyStatusResponse, errors=[NotFound])
    def read(call: RouteCall[LoyaltyStatusQuery, NoBody]) -> RouteReply:
        """The points of an org, or of one customer."""
        if call.params.customer_id is None:
            org = reads.of_org(call.org_id)
            stats = LoyaltyStatsView(**asdict(org.counts), last_sync_at=org.last_sync_at)
            last_run = LoyaltyRunView.model_validate(org.last_run) if org.last_run else None
            return RouteReply(LoyaltyStatusResponse(stats=stats, last_run=last_run))
        found = reads.of_customer(call.org_id, call.params.customer_id)
        if found is None:
            raise NotFound("there is no such customer, or no points so far")
        return RouteReply(
            LoyaltyStatusResponse(reconciliation=ReconciliationView.model_validate(found))
        )

    @table.get("/api/loyalty/runs", LoyaltyRunsQuery, LoyaltyRunsResponse)
    def list_runs(call: RouteCall[LoyaltyRunsQuery, NoBody]) -> RouteReply:
        """The org's loyalty runs, the latest first, page by page."""
        page = reads.runs(call.org_id, cursor=call.params.cursor, limit=call.params.limit)
        items = [LoyaltyRunView.model_validate(each.fields) for each in page.documents]
        return RouteReply(LoyaltyRunsResponse(items=items, next_cursor=page.cursor))

    @table.get("/api/loyalty/report", ReportQuery, ReportResponse, CSV)
    def report(call: RouteCall[ReportQuery, NoBody]) -> RouteReply:
        """The customers whose points need a review."""
        in_review = reads.in_review(call.org_id, limit=call.params.limit)
        found = [ReconciliationView.model_validate(each) for each in in_review]
        if call.params.format == "csv":
            return RouteReply(RawContent(CSV, _csv_table(found)))
        return RouteReply(ReportResponse(items=found))

    return table


def _csv_table(found: Iterable[ReconciliationView]) -> bytes:
    """One line per customer; the last entries in one cell, as ``order: points``."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for each in found:
        entries = "; ".join(f"{entry.order_id}: {entry.points:+d}" for entry in each.last_entries)
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
