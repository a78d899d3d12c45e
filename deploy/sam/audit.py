"""``audit``: who has decided or changed what."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import AnswerModel, Cli, command
from deploy.sam.words import listing, moment
from shared.services.admin.audit import Audit
from shared.web.routes.audit import ActionView

LIMIT = 100


class AuditAnswer(AnswerModel):
    """Actions, the latest first; ``orgId`` is null for those that concern no org. ``more``: there
    are earlier ones."""

    org_id: str | None
    actions: tuple[ActionView, ...]
    more: bool

    def show(self, out: Console) -> None:
        """A line for each."""
        if not self.actions:
            out.print("No actions.")
            return
        table = listing("when", "by", "action", "to what")
        for each in self.actions:
            table.add_row(moment(each.at), Text(each.by), each.action, Text(each.target))
        out.print(table)
        if self.more:
            out.print("There are earlier ones: --limit shows more.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "audit", AuditAnswer, example="org_harbor")(audit)


def audit(
    cli: Cli,
    org: Annotated[
        str | None,
        typer.Argument(metavar="ORG", help="Id of the org, which may be gone. Without: of none."),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(help="So many, the latest.", min=1, max=1_000)] = LIMIT,
) -> AuditAnswer:
    """Who has started, decided or changed what about an org in the last 400 days; without one what
    concerns no org, such as the erasure of one."""
    found = Audit(cli.target.store).page(org, limit)
    actions = tuple(ActionView.model_validate(each.model_dump()) for each in found.entries)
    return AuditAnswer(org_id=org, actions=actions, more=found.next_cursor is not None)
