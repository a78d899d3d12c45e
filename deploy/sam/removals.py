"""``removals``: what waits for a person's decision before it is removed."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, OrgArgument, Yes, command
from deploy.sam.runs import GOOD, RunAnswer, answer_of, watch
from deploy.sam.syncs import REQUESTED_BY, WAIT_SECONDS, manual_sync
from deploy.sam.words import known_org
from shared.clock import utc_now
from shared.services.admin.audit import Actor
from shared.services.admin.removals import HeldRemoval, RemovalDecisions, held_removals


class Decision(StrEnum):
    """What to do with removals."""

    APPROVE = "approve"
    REFUSE = "refuse"


class Removal(AnswerModel):
    """Records of a stream that the POS has no more, and why their removal is held. ``recordIds``
    are the first of them; one that is not ``proven`` can only be refused."""

    id: str
    provider: str
    stream: str
    count: int
    reason: str
    record_ids: tuple[str, ...]
    proven: bool


class RemovalsAnswer(AnswerModel):
    """The removals that are held, or those on which was decided, with the run that does it."""

    org_id: str
    removals: tuple[Removal, ...]
    decision: Decision | None
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
            left = each.count - len(each.record_ids)
            more = f" and {left:,} more" if left > 0 and each.record_ids else ""
            out.print(Text(f"  {each.count:,} records {', '.join(each.record_ids)}{more}"))
            out.print(Text(f"  id {each.id}{'' if each.proven else ', can only be refused'}"))
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
        Decision | None, typer.Argument(help="Decide on them; without it they are listed.")
    ] = None,
    *,
    only: Annotated[str | None, typer.Option("--id", metavar="ID", help="Only this one.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the run has ended.")] = False,
    yes: Yes = False,
) -> RemovalsAnswer:
    """List the removals that wait for a decision, approve or refuse them."""
    org_id, store = known_org(cli, org), cli.target.store
    held = [each for each in held_removals(store, org_id) if only in (None, each.hold.id)]
    told = tuple(map(_told, held))
    if decision is None:
        return RemovalsAnswer(org_id=org_id, removals=told, decision=None, run_id=None, run=None)
    if not held:
        raise CouldNot(f"nothing of {org_id} waits for a decision{f' as {only}' if only else ''}")
    decide = RemovalDecisions(store, manual_sync(cli), utc_now)
    ids, actor = [each.hold.id for each in held], Actor(REQUESTED_BY)
    run_id: str | None
    if decision is Decision.APPROVE:
        count = sum(each.hold.count for each in held)
        cli.confirm(f"Remove {count:,} records of {org_id} in {cli.target.name}?", yes=yes)
        run_id = decide.approve(org_id, ids, actor)
    else:
        run_id = decide.refuse(org_id, ids, actor)
    run = None
    if wait and run_id:
        run = answer_of(org_id, run_id, watch(cli, org_id, run_id, WAIT_SECONDS))
    return RemovalsAnswer(org_id=org_id, removals=told, decision=decision, run_id=run_id, run=run)


def _told(held: HeldRemoval) -> Removal:
    hold = held.hold
    return Removal(
        id=hold.id,
        provider=held.provider,
        stream=held.stream,
        count=hold.count,
        reason=hold.reason,
        record_ids=tuple(hold.record_ids),
        proven=hold.proven,
    )
