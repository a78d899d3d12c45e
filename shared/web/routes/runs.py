"""``/api/pos/sync`` and ``/api/cron/pos-sync``: start and read sync runs."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from shared.bus.messages import StreamName
from shared.domain.runs import RunState, StreamCounts
from shared.errors import Forbidden, NotFound, RateLimited
from shared.services.manual_sync import ManualSync, RunUnderWay, SyncRequest
from shared.store.runs import Run
from shared.web.auth import ANY_ORG, Rule, SignedInUser
from shared.web.request import Body, NoBody, OrgId, Params, RunId
from shared.web.response import ErrorDetail, ErrorResponse, ResponseModel, RouteReply
from shared.web.routing import Route, RouteCall

LONGEST_WAIT = 60.0


class WaitQuery(Params):
    """``wait``: seconds to wait for the end of the run, LONGEST_WAIT at most."""

    wait: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0


class SyncBody(Body):
    """What to sync. A user with one org may omit ``orgId``; without ``streams``, all are synced.
    ``full`` writes every record again, ``allowDeletions`` permits a removal that is held."""

    org_id: OrgId | None = None
    full: bool = False
    allow_deletions: bool = False
    streams: Annotated[tuple[StreamName, ...], Field(min_length=1)] | None = None


class SyncAllQuery(Params):
    """One org, or all."""

    org_id: OrgId | None = None


class RunQuery(Params):
    """A run of an org."""

    run_id: RunId
    org_id: OrgId


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


class RunProblemView(ResponseModel):
    """Why a run is incomplete, and who must act."""

    code: str
    owner: str
    message: str
    stream: str | None = None


class RunCostView(ResponseModel):
    """Numbers of Firestore documents read, written and deleted."""

    reads: int
    writes: int
    deletes: int


class RunResponse(ResponseModel):
    """The current state of a run."""

    run_id: str
    org_id: str
    state: RunState
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    error: RunProblemView | None
    streams: dict[str, StreamCounts]
    cost: RunCostView


def routes(
    sync: ManualSync, staff: Rule, machine: Rule, either: Rule
) -> tuple[Route[Any, Any], ...]:
    """Rules: ``staff`` for users, ``machine`` for the cron secret, ``either`` for both."""

    def start(call: RouteCall[WaitQuery, SyncBody]) -> RouteReply:
        user, asked = call.caller, call.body
        assert isinstance(user, SignedInUser)
        if (asked.full or asked.allow_deletions) and not user.roles & ANY_ORG:
            raise Forbidden("full and allowDeletions are for " + " and ".join(sorted(ANY_ORG)))
        wish = SyncRequest(
            org_id=call.org_id,
            requested_by=user.uid,
            full=asked.full,
            allow_deletions=asked.allow_deletions,
            streams=asked.streams,
        )
        try:
            run_id = sync.start(wish)
        except RunUnderWay as error:
            return under_way_reply(error, call, _status_url(call.org_id, error.run_id))
        if call.params.wait:
            run = sync.wait(call.org_id, run_id, min(call.params.wait, LONGEST_WAIT))
            if run.state.ended:
                return RouteReply(_view(call.org_id, run_id, run))
        return RouteReply(_started(call.org_id, run_id), status=202)

    def start_all(call: RouteCall[SyncAllQuery, NoBody]) -> RouteReply:
        started = sync.start_all(call.params.org_id)
        return RouteReply(
            StartedRunsResponse(runs=[_started(*each) for each in started.items()]), status=202
        )

    def read(call: RouteCall[RunQuery, NoBody]) -> RouteReply:
        run_id = call.params.run_id
        return RouteReply(_view(call.org_id, run_id, sync.read(call.org_id, run_id)))

    return (
        Route(
            method="POST",
            path="/api/pos/sync",
            rule=staff,
            summary="Sync an org now. If it is being synced already, 409 names that run.",
            params=WaitQuery,
            body=SyncBody,
            answers=[(202, StartedRunResponse), (200, RunResponse), (409, RunUnderWayResponse)],
            errors=[RateLimited],
            handler=start,
        ),
        Route(
            method="POST",
            path="/api/cron/pos-sync",
            rule=machine,
            summary="Sync every org with an active point of sale, or one.",
            params=SyncAllQuery,
            body=NoBody,
            answers=[(202, StartedRunsResponse)],
            errors=[NotFound],
            handler=start_all,
        ),
        Route(
            method="GET",
            path="/api/pos/sync/{runId}",
            rule=either,
            summary="The current state of a run.",
            params=RunQuery,
            body=NoBody,
            answers=[(200, RunResponse)],
            errors=[NotFound],
            handler=read,
        ),
    )


def under_way_reply(error: RunUnderWay, call: RouteCall[Any, Any], status_url: str) -> RouteReply:
    """The 409 reply that names the run under way."""
    body = RunUnderWayResponse(
        error=ErrorDetail(code=error.code, message=str(error), request_id=call.request_id),
        run_id=error.run_id,
        org_id=call.org_id,
        status_url=status_url,
    )
    return RouteReply(body, status=409)


def _started(org_id: str, run_id: str) -> StartedRunResponse:
    return StartedRunResponse(run_id=run_id, org_id=org_id, status_url=_status_url(org_id, run_id))


def _status_url(org_id: str, run_id: str) -> str:
    return f"/api/pos/sync/{run_id}?orgId={org_id}"


def _view(org_id: str, run_id: str, run: Run) -> RunResponse:
    error = run.error and RunProblemView(**run.error.model_dump())
    return RunResponse(
        run_id=run_id,
        org_id=org_id,
        state=run.state,
        trigger=run.trigger,
        started_at=run.started_at,
        ended_at=run.ended_at,
        error=error,
        streams=run.streams,
        cost=RunCostView(**run.cost.model_dump()),
    )
