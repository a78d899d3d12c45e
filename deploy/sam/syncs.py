"""``sync``: a run now, or what it would change."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import (
    DIFFERS,
    DONE,
    AnswerModel,
    Cli,
    CouldNot,
    OrgArgument,
    Yes,
    command,
)
from deploy.sam.runs import GOOD, RunAnswer, answer_of, wait_for, watch
from deploy.sam.target import PROGRAM
from deploy.sam.words import known_org, ok_or_problem
from shared.bus.messages import STREAMS, StreamName
from shared.clock import utc_now
from shared.errors import NotFound
from shared.services.manual_sync import ManualSync, RunUnderWay, SyncRequest
from shared.services.reads.run_history import RunHistory
from shared.web.routes.run_history import ReportResponse

REQUESTED_BY = PROGRAM
WAIT_SECONDS = 900.0
SIGNS = {"created": ("+", "green"), "updated": ("~", "yellow"), "removed": ("-", "red")}


class PreviewAnswer(ReportResponse):
    """What a sync would change, as ``GET /api/reports/{runId}`` gives it."""

    @property
    def changes(self) -> int:
        """How many records would change."""
        return sum(s.created + s.updated + s.removed for s in self.streams.values())

    def show(self, out: Console) -> None:
        """The changes as a diff."""
        for name, stream in self.streams.items():
            counts = f"+{stream.created} ~{stream.updated} -{stream.removed}"
            out.print(f"{name}: {counts}", style="bold")
            for change in stream.changes:
                sign, style = SIGNS[change.kind]
                out.print(Text(f"  {sign} {change.id}", style=style))
                for field, sides in change.fields.items() if change.kind == "updated" else ():
                    out.print(f"      {field}: {sides.old!r} → {sides.new!r}", markup=False)
            if stream.changes_left_out:
                out.print(f"  … and {stream.changes_left_out:,} more")
            for bad in stream.quarantine:
                out.print(f"  ! {bad.id}: {bad.message} [{bad.error_code}]", markup=False)
        for problem in (*self.errors, *([self.error] if self.error else ())):
            out.print(ok_or_problem(problem.message, problem.owner, problem.code))
        if self.held:  # the problems above say why
            out.print(f"{self.deletions_held} removals would wait for a decision.")
        if not self.complete:
            out.print("The time was too short for all of it: there may be more.")
        spending = "everybody" if self.spending_of == "all" else f"{self.spending_of} customers"
        records = "1 record" if self.changes == 1 else f"{self.changes:,} records"
        out.print(f"{records} would change, and the spending of {spending}.")


class SyncAnswer(AnswerModel):
    """A run that was started, with ``run`` once it has ended (--wait); or ``preview`` (--dry-run).
    ``underWay``: the org was being synced already, by this run."""

    org_id: str
    run_id: str
    under_way: bool
    run: RunAnswer | None
    preview: PreviewAnswer | None

    @property
    def exit_code(self) -> int:
        if self.preview:
            fine = self.preview.state in GOOD and not self.preview.changes
            return DONE if fine else DIFFERS
        return DONE if self.run is None or self.run.state in GOOD else DIFFERS

    def show(self, out: Console) -> None:
        if self.preview:
            self.preview.show(out)
        elif self.run:
            self.run.show(out)
        else:
            said = "is under way already" if self.under_way else "is queued"
            out.print(f"Run {self.run_id} {said}: `sync-sam runs {self.org_id} {self.run_id}`")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "sync", SyncAnswer, example="org_harbor --dry-run")(sync)


def sync(
    cli: Cli,
    org: OrgArgument,
    *,
    full: Annotated[bool, typer.Option("--full", help="Write every record again.")] = False,
    streams: Annotated[
        str | None,
        typer.Option("--streams", metavar="A,B", help=f"Only these: {','.join(STREAMS)}."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, show what would change.")
    ] = False,
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Make removals that wait for a decision.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until the run has ended.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.")] = WAIT_SECONDS,
    yes: Yes = False,
) -> SyncAnswer:
    """Sync an org with its POS now. A dry run exits with 1 where something would change."""
    org_id = known_org(cli, org)
    request = SyncRequest(
        org_id=org_id,
        requested_by=REQUESTED_BY,
        full=full,
        allow_deletions=allow_deletions,
        streams=chosen_streams(streams),
        dry_run=dry_run,
    )
    if dry_run:
        return preview(cli, request, timeout)
    if allow_deletions:
        cli.confirm(f"Remove what the POS of {org_id} has no more, in {cli.target.name}?", yes=yes)
    return start(cli, request, wait_seconds=timeout if wait else None)


def start(cli: Cli, request: SyncRequest, *, wait_seconds: float | None) -> SyncAnswer:
    """Start a run, and wait for its end unless ``wait_seconds`` is None. One that is under way
    already takes its place."""
    under_way = False
    try:
        run_id = manual_sync(cli).start(request, cli.target.actor)
    except RunUnderWay as error:
        if request.full or request.allow_deletions or request.streams:
            raise
        run_id, under_way = error.run_id, True
    run = None
    if wait_seconds is not None:
        ended = watch(cli, request.org_id, run_id, wait_seconds)
        run = answer_of(request.org_id, run_id, ended)
    return SyncAnswer(
        org_id=request.org_id, run_id=run_id, under_way=under_way, run=run, preview=None
    )


def preview(cli: Cli, request: SyncRequest, seconds: float) -> SyncAnswer:
    """What a run would change."""
    run_id = manual_sync(cli).start(request, cli.target.actor)
    history = RunHistory(cli.target.store)

    def report() -> Mapping[str, Any] | None:
        try:
            return history.report(request.org_id, run_id)
        except NotFound:
            return None

    found = PreviewAnswer.model_validate(wait_for("report of the dry run", report, seconds, cli))
    return SyncAnswer(
        org_id=request.org_id, run_id=run_id, under_way=False, run=None, preview=found
    )


def manual_sync(cli: Cli) -> ManualSync:
    """The service that starts runs."""
    target = cli.target
    return ManualSync(target.store, target.publisher("pos-sync"), target.later("pos-sync"), utc_now)


def chosen_streams(named: str | None) -> tuple[StreamName, ...] | None:
    """The streams that a list of names means; None for all. Raises CouldNot for another name."""
    if named is None:
        return None
    wanted = {each.strip() for each in named.split(",")}
    found: list[StreamName] = [name for name in STREAM_NAMES if name in wanted]
    if unknown := wanted - set(found):
        raise CouldNot(
            f"there is no stream {', '.join(sorted(unknown))}: the streams are {', '.join(STREAMS)}"
        )
    return tuple(found)


STREAM_NAMES: tuple[StreamName, ...] = ("customers", "orders", "products", "discounts", "metadata")
