"""``/api/orgs``: how the sync of every org stands, and of one in detail."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.domain.org_health import Freshness, OrgState
from shared.domain.runs import StreamCounts
from shared.errors import Forbidden
from shared.services.reads.org_status import OrgStatus, OrgStatusReads
from shared.services.reads.orgs import OrgReads, OrgSort
from shared.web.auth import Rule
from shared.web.request import Cursor, NoBody, OrgQuery, PageSize, Params
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

Search = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class OrgsQuery(Params):
    """Orgs of one ``state``, or of all; ``q`` is the beginning of a name or of an id."""

    state: OrgState | None = None
    q: Search | None = None
    sort: OrgSort = OrgSort.ORG_ID
    cursor: Cursor | None = None
    limit: PageSize = 50


class OrgView(ResponseModel):
    """How an org's sync stands. ``owner``: whose turn it is. ``failingSince``: when the first run
    failed since all was well. ``nextRunAt``: when it is next synced by itself, if that is known.
    Times in UTC; the counts are of stored records."""

    org_id: str
    name: str | None = None
    provider: str | None = None
    state: OrgState
    owner: str | None = None
    failing_since: datetime | None = None
    last_success_at: datetime | None = None
    last_sync_at: datetime | None = None
    next_run_at: datetime | None = None
    last_error: str | None = None
    customers_count: int
    orders_count: int
    menu_products_count: int
    deletions_held: int
    quarantined: int


class OrgsResponse(ResponseModel):
    """A page of orgs. The last page has no ``nextCursor``; others may be shorter than asked for."""

    orgs: list[OrgView]
    next_cursor: str | None


class StreamHealthView(ResponseModel):
    """How a stream stands: ``live`` if it was synced on time (within 35 minutes; metadata within a
    day), ``recent`` up to 85 minutes later, ``stale`` beyond; else why it is not. ``count`` of
    stored records, where they are counted."""

    stream: str
    freshness: Freshness
    last_success_at: datetime | None = None
    count: int | None = None
    problem: str | None = None


class OrgLocationView(ResponseModel):
    """A location of the org; provider and status as they are stored, valid or not."""

    id: str
    name: str | None = None
    provider: str | None = None
    status: str | None = None


class VerificationView(ResponseModel):
    """What holding the org's records against the POS has found last: how many there were, and how
    many documents differed."""

    verified_at: datetime
    ok: bool
    customers: int
    orders: int
    differences: int


class RunProgressView(ResponseModel):
    """The run that is under way, and what it has counted so far."""

    run_id: str
    trigger: str
    started_at: datetime
    progress: Annotated[dict[str, StreamCounts], Field(description="By stream.")]


class OrgStatusResponse(OrgView):
    """How one org stands. ``warnings`` are sentences about settings that are ignored."""

    streams: list[StreamHealthView]
    locations: list[OrgLocationView]
    verification: VerificationView | None = None
    running: RunProgressView | None = None
    warnings: list[str]


def routes(orgs: OrgReads, status: OrgStatusReads, staff: Rule, every_org: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org, ``every_org`` that for people who may see
    every org."""
    table = RouteTable(staff)

    @table.get(
        "/api/orgs", OrgsQuery, OrgsResponse, rule=every_org, errors=[Forbidden], cached=CHECKED
    )
    def list_orgs(call: RouteCall[OrgsQuery, NoBody]) -> RouteReply:
        """Every org and how its sync stands, page by page."""
        asked = call.params
        page = orgs.page(
            state=asked.state,
            query=asked.q,
            sort=asked.sort,
            cursor=asked.cursor,
            limit=asked.limit,
        )
        found = [OrgView.model_validate(asdict(each)) for each in page.orgs]
        return RouteReply(OrgsResponse(orgs=found, next_cursor=page.cursor))

    @table.get("/api/orgs/{orgId}/status", OrgQuery, OrgStatusResponse, cached=CHECKED)
    def read_status(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """How an org's sync stands: each kind of data, each location, the run under way."""
        return RouteReply(status_view(status(call.org_id)))

    return table


def status_view(found: OrgStatus) -> OrgStatusResponse:
    """An org's status as it is answered."""
    running = found.running
    return OrgStatusResponse.model_validate(
        {
            **asdict(found.org),
            "streams": list(map(asdict, found.streams)),
            "locations": list(map(asdict, found.locations)),
            "verification": found.verification and asdict(found.verification),
            "running": running and {**asdict(running), "progress": running.streams},
            "warnings": found.warnings,
        }
    )
