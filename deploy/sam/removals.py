"""``removals``: what waits for a person's decision before it is removed."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, OrgArgument, Yes, command
from deploy.sam.runs import GOOD, RunAnswer, answer_of, watch
from deploy.sam.syncs import WAIT_SECONDS, manual_sync
from deploy.sam.words import ago, known_org
from shared.clock import utc_now
from shared.services.admin.removals import RemovalDecisions
from shared.services.reads.operations import RemovalReads
from shared.web.routes.removals import RemovalView


class RemovalDecision(StrEnum):
    """What to do with removals."""

    APPROVE = "approve"
    REFUSE = "refuse"


class RemovalsAnswer(AnswerModel):
    """The removals that are held, or those on which was decided, with the run that does it."""

    org_id: str
    removals: tuple[RemovalView, ...]
    decision: RemovalDecision | None
    run_id: str | None
    run: RunAnswer | None

    @property
    def exit_code(self) -> int:
        return DONE if self.run is None or self.run.state in GOOD else DIFFERS

    def show(self, out: Console) -> None:
        """Each, then what is done."""
        if not self.removals:
            out.print("Nothing waits for a decision.")
        for each in self.removals:
            out.print(Text(f"{each.stream} at {each.provider}: {each.reason}", style="bold"))
            out.print(Text(f"  {each.count:,} records, held since {ago(each.since)}"))
            for record in each.records:
                out.print(Text(f"    - {record.id} {record.name or ''}"))
            if each.records and each.count > len(each.records):
                out.print(f"    … and {each.count - len(each.records):,} more")
            told = each.id or "that the next sync gives it"
            out.print(Text(f"  id {told}{'' if each.proven else ': it can only be refused'}"))
        if self.decision is None and self.removals:
            out.print(f"`sync-sam removals {self.org_id} approve` makes them, `refuse` keeps all.")
        if self.decision:
            by = f" by run {self.run_id}" if self.run_id else " by the next run"
            out.print(f"{self.decision}d{by}.".capitalize())
        if self.run:
            self.run.show(out)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "removals", RemovalsAnswer, example="org_harbor approve")(removals)


def removals(
    cli: Cli,
    org: OrgArgument,
    decision: Annotated[
        RemovalDecision | None, typer.Argument(help="Decide on them; without it they are listed.")
    ] = None,
    *,
    only: Annotated[str | None, typer.Option("--id", metavar="ID", help="Only this one.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the run has ended.")] = False,
    yes: Yes = False,
) -> RemovalsAnswer:
    """List the removals that wait for a decision; `approve` makes them, `refuse` keeps the
    records. Until somebody decides nothing is removed."""
    org_id, store = known_org(cli, org), cli.target.store
    held = [each for each in RemovalReads(store)(org_id) if only in (None, each.id)]
    told = tuple(RemovalView.model_validate({**asdict(r), "id": r.id or None}) for r in held)
    if decision is None:
        return RemovalsAnswer(org_id=org_id, removals=told, decision=None, run_id=None, run=None)
    if not held:
        raise CouldNot(f"nothing of {org_id} waits for a decision{f' as {only}' if only else ''}")
    approve = decision is RemovalDecision.APPROVE
    if approve:
        count = sum(each.count for each in held)
        cli.confirm(f"Remove {count:,} records of {org_id} in {cli.target.name}?", yes=yes)
    decide = RemovalDecisions(store, manual_sync(cli), utc_now)
    act = decide.approve if approve else decide.refuse
    run_id = act(org_id, [each.id for each in held], cli.target.actor)
    run = None
    if wait and run_id:
        run = answer_of(org_id, run_id, watch(cli, org_id, run_id, WAIT_SECONDS))
    return RemovalsAnswer(org_id=org_id, removals=told, decision=decision, run_id=run_id, run=run)
