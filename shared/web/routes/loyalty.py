"""``/api/loyalty/…``: loyalty runs, points and reports."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.errors import NotAllowed, NotFound
from shared.services.loyalty.on_demand import AskForLoyalty, LookUpPoints, LoyaltyReads
from shared.services.manual_sync import RunUnderWay
from shared.web.auth import ANY_ORG
from shared.web.caller import Person
from shared.web.fields import OrgId, RecordId
from shared.web.reply import Content, ErrorDetail, Reply
from shared.web.route import Body, Call, NoBody, NoParams, Params, Route
from shared.web.routes.loyalty_answers import (
    PointsAnswer,
    ReportAnswer,
    Stats,
    StatsAnswer,
    points_of,
    table_of,
    view_of,
)
from shared.web.routes.runs import Started, UnderWayAnswer
from shared.web.rules import Rule

CSV = "text/csv"


class LoyaltyRequest(Body):
    """Whose points to bring up to date: one customer's, or the org's. ``full`` looks everybody up
    at Alpine IQ, not only those for whom something may have changed."""

    org_id: OrgId | None = None
    customer_id: RecordId | None = None
    full: bool = False


class StandingQuery(Params):
    """An org, or one of its customers."""

    org_id: OrgId
    customer_id: RecordId | None = None


class PointsQuery(Params):
    """A customer by telephone, or by e-mail; the telephone counts first."""

    org_id: OrgId
    phone: Annotated[str, Field(max_length=40)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None


class ReportQuery(Params):
    """An org, and the form of the report."""

    org_id: OrgId
    format: Literal["json", "csv"] = "json"


@dataclass(frozen=True, slots=True)
class _Handlers:
    ask: AskForLoyalty
    standing: LoyaltyReads
    points: LookUpPoints

    def start(self, call: Call[NoParams, LoyaltyRequest]) -> Reply:
        person, asked = call.caller, call.body
        assert isinstance(person, Person)
        if asked.full and not person.roles & ANY_ORG:
            raise NotAllowed("full is for " + " and ".join(sorted(ANY_ORG)))
        url = f"/api/loyalty/sync?orgId={call.org_id}"
        if asked.customer_id is not None:
            url += f"&customerId={asked.customer_id}"
        try:
            run_id = self.ask(call.org_id, asked.customer_id, full=asked.full)
        except RunUnderWay as error:
            told = ErrorDetail(code=error.code, message=str(error), request_id=call.request_id)
            running = UnderWayAnswer(
                error=told, run_id=error.run_id, org_id=call.org_id, status_url=url
            )
            return Reply(running, status=409)
        return Reply(Started(run_id=run_id, org_id=call.org_id, status_url=url), status=202)

    def read(self, call: Call[StandingQuery, NoBody]) -> Reply:
        if call.params.customer_id is not None:
            found = self.standing.of_customer(call.org_id, call.params.customer_id)
            if found is None:
                raise NotFound("there is no such customer, or no points so far")
            return Reply(StatsAnswer(reconciliation=view_of(found)))
        counts, last_sync_at = self.standing.counts(call.org_id)
        return Reply(StatsAnswer(stats=Stats(**asdict(counts), last_sync_at=last_sync_at)))

    def look_up(self, call: Call[PointsQuery, NoBody]) -> Reply:
        asked = call.params
        return Reply(points_of(self.points(call.org_id, phone=asked.phone, email=asked.email)))

    def report(self, call: Call[ReportQuery, NoBody]) -> Reply:
        found = self.standing.in_review(call.org_id)
        if call.params.format == "csv":
            return Reply(Content(CSV, table_of(found)))
        return Reply(ReportAnswer(items=[view_of(each) for each in found]))


def routes(
    ask: AskForLoyalty, standing: LoyaltyReads, points: LookUpPoints, staff: Rule
) -> tuple[Route[Any, Any], ...]:
    """``staff`` is the rule for those who work for the org."""
    handlers = _Handlers(ask, standing, points)
    return (
        Route(
            method="POST",
            path="/api/loyalty/sync",
            rule=staff,
            summary="Bring an org's points, or one customer's, up to date.",
            params=NoParams,
            body=LoyaltyRequest,
            answers=[(202, Started), (409, UnderWayAnswer)],
            errors=[NotFound],
            handler=handlers.start,
        ),
        Route(
            method="GET",
            path="/api/loyalty/sync",
            rule=staff,
            summary="How an org's points stand, or one customer's.",
            params=StandingQuery,
            body=NoBody,
            answers=[(200, StatsAnswer)],
            errors=[NotFound],
            handler=handlers.read,
        ),
        Route(
            method="GET",
            path="/api/loyalty/points",
            rule=staff,
            summary="A customer's points right now, by telephone or e-mail.",
            params=PointsQuery,
            body=NoBody,
            answers=[(200, PointsAnswer)],
            errors=[NotFound],
            handler=handlers.look_up,
        ),
        Route(
            method="GET",
            path="/api/loyalty/report",
            rule=staff,
            summary="Every customer whose two figures a person must look at.",
            params=ReportQuery,
            body=NoBody,
            answers=[(200, ReportAnswer), (200, CSV)],
            handler=handlers.report,
        ),
    )
