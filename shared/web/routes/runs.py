"""``/api/pos/sync`` and ``/api/cron/pos-sync``: start sync runs."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from shared.bus.messages import StreamName
from shared.domain.runs import RunState
from shared.errors import Forbidden, NotFound, RateLimited, RequestInvalid
from shared.services.manual_sync import AT_ONCE, ManualSync, RunUnderWay, SyncRequest
from shared.store.runs import Run
from shared.web.auth import ANY_ORG, Rule, SignedInUser
from shared.web.request import Body, NoBody, OrgId, Params
from shared.web.response import ErrorDetail, ErrorResponse, ResponseModel, RouteReply
from shared.web.routes.audit import actor_of
from shared.web.routes.run_history import RunResponse, run_view
from shared.web.routing import RouteCall, RouteTable

LONGEST_WAIT = 50.0
"""Firebase Hosting gives up after 60 s."""


class WaitQuery(Params):
    """``wait``: seconds to wait for the end of the run, LONGEST_WAIT at most. ``orgId`` may also
    stand in the body."""

    org_id: OrgId | None = None
    wait: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0


class SyncBody(Body):
    """What to sync. A user with one org may omit ``orgId``; without ``streams``, all are synced.
    ``full`` writes every record again, ``allowDeletions`` permits a removal that is held. With
    ``dryRun`` nothing is written but a report of what would be."""

    org_id: OrgId | None = None
    full: bool = False
    allow_deletions: bool = False
    dry_run: bool = False
    streams: Annotated[tuple[StreamName, ...], Field(min_length=1)] | None = None


class SyncAllQuery(WaitQuery):
    """One org, or all. ``wait`` as for one run, and only for AT_ONCE orgs at most."""


class StartedRunResponse(ResponseModel):
    """A started run. ``statusUrl`` is a path at this host."""

    run_id: str
    org_id: str
    status_url: str


class StartedRunsResponse(ResponseModel):
    """The started runs, one per org."""

    runs: list[StartedRunResponse]


class RunUnderWayResponse(ErrorResponse):
    """The error for an org that is being synced already, with that run."""

    run_id: str
    org_id: str
    status_url: str


class EndedRunsResponse(ResponseModel):
    """The runs, one per org, once all have ended; ``states`` counts them by state."""

    states: dict[RunState, int]
    runs: list[RunResponse]


def routes(sync: ManualSync, staff: Rule, machine: Rule) -> RouteTable:
    """Rules: ``staff`` for users, ``machine`` for the cron secret."""
    table = RouteTable(staff)

    @table.post(
        "/api/pos/sync",
        WaitQuery,
        SyncBody,
        (202, StartedRunResponse),
        (200, RunResponse),
        (409, RunUnderWayResponse),
        errors=[RateLimited],
    )
    def start(call: RouteCall[WaitQuery, SyncBody]) -> RouteReply:
        """Sync an org now. If it is being synced already, 409 names that run. The ``statusUrl`` of
        a dry run is that of its report, which is there once it has ended."""
        user, asked = call.caller, call.body
        assert isinstance(user, SignedInUser)
        if (asked.full or asked.allow_deletions) and not user.roles & ANY_ORG:
            raise Forbidden("full and allowDeletions are for " + " and ".join(sorted(ANY_ORG)))
        request = SyncRequest(
            org_id=call.org_id,
            requested_by=user.uid,
            full=asked.full,
            allow_deletions=asked.allow_deletions,
            dry_run=asked.dry_run,
            streams=asked.streams,
        )
        try:
            run_id = sync.start(request, actor_of(call))
        except RunUnderWay as error:
            return under_way_reply(error, call, status_url(call.org_id, error.run_id))
        if call.params.wait and not asked.dry_run:
            run = sync.wait(call.org_id, run_id, min(call.params.wait, LONGEST_WAIT))
            if run.state.ended:
                return RouteReply(run_view(call.org_id, run_id, run))
        started = started_response(call.org_id, run_id, dry_run=asked.dry_run)
        return RouteReply(started, status=202)

    @table.post(
        "/api/cron/pos-sync",
        SyncAllQuery,
        NoBody,
        (202, StartedRunsResponse),
        (200, EndedRunsResponse),
        (409, ErrorResponse),
        rule=machine,
        errors=[NotFound],
    )
    def start_all(call: RouteCall[SyncAllQuery, NoBody]) -> RouteReply:
        """Sync every org with an active point of sale, or one."""
        _refuse_body(call.raw)
        org_id, wait = call.params.org_id, call.params.wait
        started = sync.start_all() if org_id is None else {org_id: sync.start_one(org_id)}
        if wait and len(started) <= AT_ONCE:
            ended = sync.wait_all(started, min(wait, LONGEST_WAIT))
            if ended is not None:
                return RouteReply(_ended(started, ended))
        return RouteReply(
            StartedRunsResponse(runs=[started_response(*each) for each in started.items()]),
            status=202,
        )

    return table


def _refuse_body(raw: bytes) -> None:
    """An org in a body that is not read would be taken for all orgs. Raises RequestInvalid."""
    if raw.strip() not in (b"", b"{}"):
        raise RequestInvalid("no body is taken: ?orgId= narrows the sync to one org")


def under_way_reply(error: RunUnderWay, call: RouteCall[Any, Any], status_url: str) -> RouteReply:
    """The 409 reply that names the run under way."""
    body = RunUnderWayResponse(
        error=ErrorDetail(code=error.code, message=str(error), request_id=call.request_id),
        run_id=error.run_id,
        org_id=call.org_id,
        status_url=status_url,
    )
    return RouteReply(body, status=409)


def started_response(org_id: str, run_id: str, *, dry_run: bool = False) -> StartedRunResponse:
    """A run that was started."""
    url = f"/api/reports/{run_id}?orgId={org_id}" if dry_run else status_url(org_id, run_id)
    return StartedRunResponse(run_id=run_id, org_id=org_id, status_url=url)


def _ended(started: Mapping[str, str], ended: Mapping[str, Run]) -> EndedRunsResponse:
    return EndedRunsResponse(
        states=Counter(run.state for run in ended.values()),
        runs=[run_view(org_id, started[org_id], run) for org_id, run in ended.items()],
    )


def status_url(org_id: str, run_id: str) -> str:
    """Where a run can be read."""
    return f"/api/pos/sync/{run_id}?orgId={org_id}"
