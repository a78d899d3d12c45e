"""``/orgs`` and ``/orgs/{orgId}``: how the syncs stand, of every org and of one."""

from collections.abc import Sequence
from typing import Any

from shared.console.pages.parameters import FleetParams, PageParams
from shared.console.rendering import HTML, Console
from shared.domain.org_health import OrgState
from shared.domain.runs import SHORT_RUNS
from shared.services.reads.orgs import OrgSort
from shared.web.auth import ANY_ORG, EveryOrg, SignedInUser, Staff
from shared.web.request import Cursor, NoBody
from shared.web.response import RouteReply
from shared.web.routes.dead_letters import DeadLettersResponse
from shared.web.routes.incidents import IncidentsResponse
from shared.web.routes.orgs import OrgsResponse, OrgStatusResponse, Search
from shared.web.routes.removals import RemovalsResponse
from shared.web.routes.run_history import RunResponse, RunsResponse
from shared.web.routing import RouteCall, RouteTable

RUNS_READ = 60
"""Of which those that sync whole streams are drawn."""
RUNS_DRAWN = 20
RUNS_LISTED = 8


class OrgsPage(FleetParams):
    """Which orgs are listed, and in which order."""

    state: OrgState | None = None
    q: Search | None = None
    sort: OrgSort = OrgSort.ORG_ID
    cursor: Cursor | None = None


def routes(console: Console, staff: Staff) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs", OrgsPage, HTML, rule=EveryOrg(staff))
    def show_orgs(call: RouteCall[OrgsPage, NoBody]) -> RouteReply:
        """Every org and how its sync stands."""
        asked = call.params.query
        found = console.reader(call).get("/api/orgs", OrgsResponse, **asked)
        return console.page(
            call,
            "orgs.html",
            title="Orgs",
            section="orgs",
            found=found,
            asked=asked,
            states=list(OrgState),
        )

    @table.get("/orgs/{orgId}", PageParams, HTML)
    def show_org(call: RouteCall[PageParams, NoBody]) -> RouteReply:
        """How an org's sync stands, and what is to be decided about it."""
        org_id, reader = call.org_id, console.reader(call)
        health = reader.get("/api/orgs/{orgId}/status", OrgStatusResponse, orgId=org_id)
        open_ones = reader.get("/api/incidents", IncidentsResponse, orgId=org_id, state="open")
        removals = None
        if health.deletions_held:
            removals = reader.get("/api/removals", RemovalsResponse, orgId=org_id).removals
        history = reader.get("/api/pos/sync", RunsResponse, orgId=org_id, limit=RUNS_READ).runs
        operator = sees_every_org(call)
        letters = None
        if operator:
            letters = reader.get("/api/dead-letters", DeadLettersResponse, orgId=org_id)
        return console.page(
            call,
            "org.html",
            title="Overview",
            section="overview",
            health=health,
            incidents=open_ones.incidents,
            removals=removals or [],
            history=history[:RUNS_LISTED],
            drawn=drawn(history),
            expected=expected(history),
            letters=letters and [each for each in letters.items if not each.replayed],
            operator=operator,
        )

    return table


def sees_every_org(call: RouteCall[Any, Any]) -> bool:
    """Whether the person has a role for every org."""
    return isinstance(call.caller, SignedInUser) and bool(call.caller.roles & ANY_ORG)


def of_streams(history: Sequence[RunResponse]) -> list[RunResponse]:
    """Those runs that have synced whole streams and have ended, the latest first."""
    return [
        each
        for each in history
        if each.duration_seconds is not None and not each.run_id.startswith(SHORT_RUNS)
    ]


def drawn(history: Sequence[RunResponse]) -> list[RunResponse]:
    """The runs of a chart, the earliest first."""
    return of_streams(history)[:RUNS_DRAWN][::-1]


def expected(history: Sequence[RunResponse]) -> int:
    """How many records a sync is likely to fetch: as many as the last that had all streams; 0 where
    there was none."""
    of_all = (each for each in of_streams(history) if len(each.streams) > 1)
    last = next((each for each in of_all if each.state == "succeeded"), None)
    return sum(counts.fetched for counts in last.streams.values()) if last else 0
