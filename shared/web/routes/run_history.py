"""``GET /api/pos/sync`` and ``GET /api/reports/{runId}``: an org's runs, and what its dry runs
found."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.domain.runs import RunState, StreamCounts
from shared.errors import NotFound
from shared.services.reads.run_history import RunHistory
from shared.store.runs import Run
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery, PageQuery, RecordId
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable


class RunQuery(OrgQuery):
    """A run of an org."""

    run_id: RecordId


class RunProblemView(ResponseModel):
    """Why a run is incomplete, and who must act; at which POS provider, where it is one's."""

    code: str
    owner: str
    message: str
    stream: str | None = None
    provider: str | None = None


class RunCostView(ResponseModel):
    """Numbers of Firestore documents read, written and deleted."""

    reads: int
    writes: int
    deletes: int


class RunResponse(ResponseModel):
    """The current state of a run; ``durationSeconds`` from its start to its end. ``error`` is why
    it failed, ``errors`` those of streams and of records in quarantine, ``held`` why removals of it
    wait for a person."""

    run_id: str
    org_id: str
    state: RunState
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None
    error: RunProblemView | None
    errors: list[RunProblemView] = Field(default=[])
    warnings: list[str] = Field(default=[])
    held: str | None = None
    streams: dict[str, StreamCounts]
    cost: RunCostView


class RunsResponse(ResponseModel):
    """A page of runs, the latest first. The last page has no ``nextCursor``."""

    runs: list[RunResponse]
    next_cursor: str | None


class FieldChangeView(ResponseModel):
    """A field as it is (``old``) and as it would be (``new``); absent where it is not there."""

    old: Any = None
    new: Any = None


class RecordChangeView(ResponseModel):
    """What would happen to a record, field by field."""

    id: str
    kind: Literal["created", "updated", "removed"]
    fields: dict[str, FieldChangeView]


class RejectedRecordView(ResponseModel):
    """A record that would come into quarantine."""

    id: str
    error_code: str
    message: str


class StreamReportView(ResponseModel):
    """What would happen to a stream. ``changes`` are the first of them, ``changesLeftOut`` how many
    more there are; ``rewritten`` records would be written again as they are."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    removed: int = 0
    rewritten: int = 0
    unchanged: int = 0
    skipped: int = 0
    skipped_reasons: dict[str, int] = Field(default={})
    quarantined: int = 0
    requests: int = 0
    seconds: float = 0
    changes: list[RecordChangeView] = Field(default=[])
    changes_left_out: int = 0
    quarantine: list[RejectedRecordView] = Field(default=[])


class ReportResponse(ResponseModel):
    """What a sync would do. ``complete``: it was looked at to its end. ``spendingOf``: of how many
    customers the spending would be computed again. ``held``: which removals would wait, and why."""

    run_id: str
    org_id: str
    state: RunState
    trigger: str
    requested_by: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    complete: bool
    spending_of: int | Literal["all"]
    error: RunProblemView | None = None
    errors: list[RunProblemView] = Field(default=[])
    warnings: list[str] = Field(default=[])
    held: str | None = None
    deletions_held: int = 0
    streams: dict[str, StreamReportView]


def run_routes(history: RunHistory, staff: Rule, of_one: Rule | None = None) -> RouteTable:
    """``staff`` is the rule for the staff of an org, ``of_one`` that for one run where it is
    another."""
    table = RouteTable(staff)

    @table.get("/api/pos/sync", PageQuery, RunsResponse, cached=CHECKED)
    def list_runs(call: RouteCall[PageQuery, NoBody]) -> RouteReply:
        """The org's sync runs of the last 90 days, the latest first, page by page."""
        org_id, asked = call.org_id, call.params
        page = history.page(org_id, cursor=asked.cursor, limit=asked.limit)
        found = [run_view(org_id, run_id, run) for run_id, run in page.runs]
        return RouteReply(RunsResponse(runs=found, next_cursor=page.cursor))

    @table.get(
        "/api/pos/sync/{runId}", RunQuery, RunResponse, rule=of_one or staff, errors=[NotFound]
    )
    def read_run(call: RouteCall[RunQuery, NoBody]) -> RouteReply:
        """The current state of a run."""
        run_id = call.params.run_id
        return RouteReply(run_view(call.org_id, run_id, history.run(call.org_id, run_id)))

    return table


def report_routes(history: RunHistory, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/reports/{runId}", RunQuery, ReportResponse, errors=[NotFound], cached=CHECKED)
    def read_report(call: RouteCall[RunQuery, NoBody]) -> RouteReply:
        """What a dry run found: each change that a sync would make."""
        found = history.report(call.org_id, call.params.run_id)
        return RouteReply(ReportResponse.model_validate(found))

    return table


def run_view(org_id: str, run_id: str, run: Run) -> RunResponse:
    """A run as it is answered."""
    shown = {"run_id": run_id, "org_id": org_id, "duration_seconds": run.duration_seconds}
    found = {**shown, **run.model_dump(), "streams": run.totals, "held": run.held}
    return RunResponse.model_validate(found)
