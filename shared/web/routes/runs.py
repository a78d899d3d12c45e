"""``/api/pos/sync`` and ``/api/cron/pos-sync``: runs, started and watched."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from shared.bus.messages import StreamName
from shared.domain.runs import RunState, StreamCounts
from shared.errors import NotAllowed, NotFound, TooOften
from shared.services.manual_sync import ManualSync, RunUnderWay, SyncRequest
from shared.store.runs import Run
from shared.web.auth import ANY_ORG
from shared.web.caller import Person
from shared.web.fields import OrgId, RunId
from shared.web.reply import Answer, ErrorAnswer, ErrorDetail, Reply
from shared.web.route import Body, Call, NoBody, Params, Route
from shared.web.rules import Rule

LONGEST_WAIT = 60.0


class Wait(Params):
    """``wait``: seconds to wait for the run to end, LONGEST_WAIT at most."""

    wait: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0


class SyncBody(Body):
    """What to sync. ``orgId`` may be left out by who belongs to one org; ``streams`` None is all.
    ``full`` writes every record again, ``allowDeletions`` lets through a removal that is held."""

    org_id: OrgId | None = None
    full: bool = False
    allow_deletions: bool = False
    streams: Annotated[tuple[StreamName, ...], Field(min_length=1)] | None = None


class OneOrg(Params):
    """An org, or all."""

    org_id: OrgId | None = None


class RunQuery(Params):
    """A run of an org."""

    run_id: RunId
    org_id: OrgId


class Started(Answer):
    """A run to watch at ``statusUrl`` (a path at this host)."""

    run_id: str
    org_id: str
    status_url: str


class StartedRuns(Answer):
    """A run of each org."""

    runs: list[Started]


class UnderWayAnswer(ErrorAnswer):
    """The org is being synced already, by this run."""

    run_id: str
    org_id: str
    status_url: str


class RunProblem(Answer):
    """Why a run did not do all of its work, and whose turn it is."""

    code: str
    owner: str
    message: str
    stream: str | None = None


class RunCost(Answer):
    """Firestore documents read, written and deleted."""

    reads: int
    writes: int
    deletes: int


class RunView(Answer):
    """A run as it is now."""

    run_id: str
    org_id: str
    state: RunState
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    error: RunProblem | None
    streams: dict[str, StreamCounts]
    cost: RunCost


def routes(
    sync: ManualSync, staff: Rule, machine: Rule, either: Rule
) -> tuple[Route[Any, Any], ...]:
    """Rules: ``staff`` for people, ``machine`` for who has the cron secret, ``either`` for both."""

    def start(call: Call[Wait, SyncBody]) -> Reply:
        person, asked = call.caller, call.body
        assert isinstance(person, Person)
        if (asked.full or asked.allow_deletions) and not person.roles & ANY_ORG:
            raise NotAllowed("full and allowDeletions are for " + " and ".join(sorted(ANY_ORG)))
        wish = SyncRequest(
            org_id=call.org_id,
            requested_by=person.uid,
            full=asked.full,
            allow_deletions=asked.allow_deletions,
            streams=asked.streams,
        )
        try:
            run_id = sync.start(wish)
        except RunUnderWay as error:
            return _under_way(error, call)
        if call.params.wait:
            run = sync.wait(call.org_id, run_id, min(call.params.wait, LONGEST_WAIT))
            if run.state.ended:
                return Reply(_view(call.org_id, run_id, run))
        return Reply(_started(call.org_id, run_id), status=202)

    def start_all(call: Call[OneOrg, NoBody]) -> Reply:
        started = sync.start_all(call.params.org_id)
        return Reply(StartedRuns(runs=[_started(*each) for each in started.items()]), status=202)

    def read(call: Call[RunQuery, NoBody]) -> Reply:
        run_id = call.params.run_id
        return Reply(_view(call.org_id, run_id, sync.read(call.org_id, run_id)))

    return (
        Route(
            method="POST",
            path="/api/pos/sync",
            rule=staff,
            summary="Sync an org now. A run under way is not started twice: 409 names it.",
            params=Wait,
            body=SyncBody,
            answers=[(202, Started), (200, RunView), (409, UnderWayAnswer)],
            errors=[TooOften],
            handler=start,
        ),
        Route(
            method="POST",
            path="/api/cron/pos-sync",
            rule=machine,
            summary="Sync every org with an active point of sale, or one.",
            params=OneOrg,
            body=NoBody,
            answers=[(202, StartedRuns)],
            errors=[NotFound],
            handler=start_all,
        ),
        Route(
            method="GET",
            path="/api/pos/sync/{runId}",
            rule=either,
            summary="A run as it is now.",
            params=RunQuery,
            body=NoBody,
            answers=[(200, RunView)],
            errors=[NotFound],
            handler=read,
        ),
    )


def _under_way(error: RunUnderWay, call: Call[Any, Any]) -> Reply:
    detail = ErrorDetail(code=error.code, message=str(error), request_id=call.request_id)
    started = _started(call.org_id, error.run_id)
    return Reply(UnderWayAnswer(error=detail, **started.model_dump(by_alias=False)), status=409)


def _started(org_id: str, run_id: str) -> Started:
    url = f"/api/pos/sync/{run_id}?orgId={org_id}"
    return Started(run_id=run_id, org_id=org_id, status_url=url)


def _view(org_id: str, run_id: str, run: Run) -> RunView:
    error = run.error and RunProblem(**run.error.model_dump())
    return RunView(
        run_id=run_id,
        org_id=org_id,
        state=run.state,
        trigger=run.trigger,
        started_at=run.started_at,
        ended_at=run.ended_at,
        error=error,
        streams=run.streams,
        cost=RunCost(**run.cost.model_dump()),
    )
