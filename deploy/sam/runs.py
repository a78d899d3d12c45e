"""``runs``: what an org's runs did. And how a run is shown while it moves."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.sam.frame import AnswerModel, Cli, CouldNot, OrgArgument, command
from deploy.sam.words import known_org, listing, moment, ok_or_problem
from shared.domain.runs import RunState
from shared.services.reads.run_history import RunHistory
from shared.store import runs as run_store
from shared.store.runs import Run
from shared.web.routes.run_history import RunProblemView

LOOK_SECONDS = 0.5
ALWAYS = ("fetched", "created", "updated", "unchanged")
GOOD = (RunState.QUEUED, RunState.RUNNING, RunState.SUCCEEDED)


class StreamLine(AnswerModel):
    """What happened to a stream's records; ``requests`` are calls to the POS."""

    fetched: int
    created: int
    updated: int
    unchanged: int
    deleted: int
    skipped: int
    quarantined: int
    requests: int
    seconds: float


class RunCost(AnswerModel):
    """Firestore documents read, written and deleted."""

    reads: int
    writes: int
    deletes: int


class RunAnswer(AnswerModel):
    """One run. ``held``: why removals wait for a person, and ``deletionsHeld`` how many."""

    org_id: str
    run_id: str
    state: RunState
    trigger: str
    requested_by: str | None
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None
    problems: tuple[RunProblemView, ...]
    warnings: tuple[str, ...]
    held: str | None
    deletions_held: int
    streams: dict[str, StreamLine]
    cost: RunCost

    def show(self, out: Console) -> None:
        """Its streams and problems."""
        took = f" after {self.duration_seconds:,.1f} s" if self.duration_seconds else ""
        out.print(f"Run {self.run_id} of {self.org_id}: {self.state}{took}", markup=False)
        out.print(stream_table(self.streams))
        for each in self.problems:
            where = f"{each.stream}: " if each.stream else ""
            out.print(ok_or_problem(f"{where}{each.message}", each.owner, each.code))
        if self.held:
            waiting = f"{self.deletions_held} removals wait for a decision"
            out.print(f"{waiting}: `sync-sam removals {self.org_id}`", markup=False)
        for warning in self.warnings:
            out.print(f"Warning: {warning}", markup=False)


class RunLine(AnswerModel):
    """One run of a list. ``records`` are those created, updated or removed."""

    run_id: str
    state: RunState
    trigger: str
    requested_by: str | None
    started_at: datetime
    duration_seconds: float | None
    records: int
    problem: str | None
    reads: int
    writes: int


class RunsAnswer(AnswerModel):
    """The latest runs of an org, or the ``run`` that was named."""

    org_id: str
    runs: tuple[RunLine, ...] | None = None
    run: RunAnswer | None = None

    def show(self, out: Console) -> None:
        """A line for each, or the one."""
        if self.run:
            self.run.show(out)
            return
        runs, figures = self.runs or (), ("seconds", "records")
        table = listing("run", "state", "began", *figures, right=figures)
        for each in runs:
            took = "" if each.duration_seconds is None else f"{each.duration_seconds:,.1f}"
            began = moment(each.started_at)
            table.add_row(each.run_id, each.state, began, took, f"{each.records:,}")
        out.print(table)
        for each in runs:
            if each.problem:
                out.print(Text(f"{each.run_id}: ", style="bold").append(each.problem, "red"))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "runs", RunsAnswer, example="org_harbor")(runs)


def runs(
    cli: Cli,
    org: OrgArgument,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="One run in full.")] = None,
    *,
    limit: Annotated[int, typer.Option(help="So many, the latest.", min=1, max=200)] = 20,
) -> RunsAnswer:
    """The latest runs of an org, or what one of them did."""
    org_id = known_org(cli, org)
    if run is not None:
        return RunsAnswer(org_id=org_id, run=answer_of(org_id, run, read(cli, org_id, run)))
    page = RunHistory(cli.target.store).page(org_id, limit=limit)
    return RunsAnswer(org_id=org_id, runs=tuple(_line(*each) for each in page.runs))


def _line(run_id: str, run: Run) -> RunLine:
    told = run.error or next(iter(run.errors), None)
    return RunLine(
        run_id=run_id,
        state=run.state,
        trigger=run.trigger,
        requested_by=run.requested_by,
        started_at=run.started_at,
        duration_seconds=run.duration_seconds,
        records=sum(t.created + t.updated + t.deleted for t in run.totals.values()),
        problem=told.message if told else None,
        reads=run.cost.reads,
        writes=run.cost.writes,
    )


def read(cli: Cli, org_id: str, run_id: str) -> Run:
    """The run. Raises CouldNot where there is none of that id."""
    found = run_store.read(cli.target.store, org_id, run_id)
    if found is None:
        raise CouldNot(f"{org_id} has no run {run_id}: `sync-sam runs {org_id}` lists them")
    return found


def answer_of(org_id: str, run_id: str, run: Run) -> RunAnswer:
    """The run as it is told."""
    document = run.document(org_id, run_id)
    problems = {
        (each.code, each.stream, each.provider): each
        for each in (*run.errors, *([run.error] if run.error else ()))
    }
    return RunAnswer(
        org_id=org_id,
        run_id=run_id,
        state=run.state,
        trigger=run.trigger,
        requested_by=run.requested_by,
        started_at=run.started_at,
        ended_at=run.ended_at,
        duration_seconds=run.duration_seconds,
        problems=tuple(RunProblemView(**each.model_dump()) for each in problems.values()),
        warnings=tuple(run.warnings),
        held=document.get("held"),
        deletions_held=document["deletionsHeld"],
        streams=lines_of(document["streams"]),
        cost=RunCost(**run.cost.model_dump()),
    )


def lines_of(streams: Mapping[str, Mapping[str, Any]]) -> dict[str, StreamLine]:
    """The streams of a run's or a report's document."""
    return {
        name: StreamLine(**{field: tally.get(field, 0) for field in StreamLine.model_fields})
        for name, tally in streams.items()
    }


def stream_table(streams: Mapping[str, StreamLine], title: str | None = None) -> Table:
    """The streams, a line each, without the columns that are empty but for the first ones."""
    lines = streams.values()
    names = [
        name
        for name in StreamLine.model_fields
        if name in ALWAYS or any(getattr(each, name) for each in lines)
    ]
    table = listing("stream", *names, right=names, title=title)
    for stream, line in streams.items():
        figures = [getattr(line, name) for name in names]
        cells = (f"{each:,.1f}" if isinstance(each, float) else f"{each:,}" for each in figures)
        table.add_row(stream, *cells)
    return table


def watch(cli: Cli, org_id: str, run_id: str, seconds: float) -> Run:
    """The run once it has ended; its streams are shown as they move. Raises CouldNot where it has
    not ended after so many seconds."""
    until = time.monotonic() + seconds
    live = cli.errors.is_terminal
    with Live(console=cli.errors, transient=True, refresh_per_second=4) as screen:
        while True:
            run = read(cli, org_id, run_id)
            if run.state.ended:
                return run
            if live:
                lines = lines_of(run.document(org_id, run_id)["streams"])
                since = moment(run.started_at)
                screen.update(stream_table(lines, f"{run_id}: {run.state} since {since}"))
            if time.monotonic() > until:
                raise CouldNot(
                    f"run {run_id} is {run.state} still after {seconds:g} s: it goes on by itself,"
                    f" look again with `sync-sam runs {org_id} {run_id}`"
                )
            time.sleep(LOOK_SECONDS)


def wait_for(what: str, look: Callable[[], Any], seconds: float, cli: Cli) -> Any:
    """What ``look`` finds, as soon as it is not None. Raises CouldNot after so many seconds."""
    until = time.monotonic() + seconds
    with cli.working(f"Waiting for {what} …"):
        while (found := look()) is None:
            if time.monotonic() > until:
                raise CouldNot(f"there is no {what} after {seconds:g} s: is the function at work?")
            time.sleep(LOOK_SECONDS)
    return found
