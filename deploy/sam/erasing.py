"""``erase``: forgets a customer of an org, or a whole org."""

from typing import Annotated

import typer
from rich.console import Console

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, OrgArgument, Yes, command
from deploy.sam.words import known_org
from shared.clock import utc_now
from shared.services.erasure.customer import EraseCustomer
from shared.services.erasure.holding import OrgHold
from shared.services.erasure.whole_org import EraseOrg

SECONDS = 3_600.0
"""One command works as long as it takes; what an hour does not suffice for is asked for again."""
PATIENCE_SECONDS = 120.0


class EraseAnswer(AnswerModel):
    """What was erased: of a customer how many documents each step has changed, of an org how many
    were deleted. ``done`` is false where the command is to be given again. ``secrets`` are to be
    deleted in Secret Manager."""

    org_id: str
    customer_id: str | None
    done: bool
    steps: dict[str, int]
    secrets: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return DONE if self.done else DIFFERS

    def show(self, out: Console) -> None:
        """What was done, and what is left to do."""
        for step, count in self.steps.items():
            if count:
                out.print(f"{step}: {count:,} documents")
        for secret in self.secrets:
            out.print(f"Delete its secret: gcloud secrets delete {secret}", markup=False)
        if not self.done:
            out.print("There is more: give the same command again.")
        elif self.customer_id:
            out.print("Erased. No sync brings the person back.")
        else:
            out.print("Erased.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "erase", EraseAnswer, example="org_harbor 100042")(erase)


def erase(
    cli: Cli,
    org: OrgArgument,
    customer: Annotated[
        str | None, typer.Argument(metavar="CUSTOMER", help="The POS's id of a customer.")
    ] = None,
    *,
    whole: Annotated[bool, typer.Option("--org", help="The org, with all it has.")] = False,
    yes: Yes = False,
) -> EraseAnswer:
    """Erase a customer from all that is stored of an org, or the org. It cannot be undone."""
    if whole == (customer is not None):
        raise CouldNot("name the customer to be erased, or say --org for the whole org")
    org_id, store = known_org(cli, org), cli.target.store
    actor = cli.target.actor
    if customer is None:
        cli.confirm(f"Delete all of {org_id} in {cli.target.name}, for good?", yes=yes)
        hold = OrgHold(store, utc_now, patience_seconds=PATIENCE_SECONDS)
        gone = EraseOrg(store, hold, utc_now, SECONDS)(org_id, actor)
        steps, secrets, done = {"deleted": gone.deleted}, gone.secrets, not gone.more
    else:
        cli.confirm(f"Erase customer {customer} of {org_id} in {cli.target.name}?", yes=yes)
        service = EraseCustomer(store, utc_now, SECONDS, patience_seconds=PATIENCE_SECONDS)
        erasure = service(org_id, customer, actor)
        steps, secrets, done = erasure.steps, (), erasure.state == "done"
    return EraseAnswer(org_id=org_id, customer_id=customer, done=done, steps=steps, secrets=secrets)
