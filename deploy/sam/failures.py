"""``replay``: what failed for good, tried again."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, command
from deploy.sam.syncs import REQUESTED_BY
from shared.bootstrap.replay import dead_letter_replay, quarantine_replay
from shared.clock import utc_now
from shared.services.admin.audit import Actor, record_action
from shared.services.dead_letters import ReplayResult

LIMIT = 100


class What(StrEnum):
    """What is tried again."""

    DEAD_LETTERS = "dead-letters"
    QUARANTINE = "quarantine"


class NotSent(AnswerModel):
    """One that cannot be sent again, and why."""

    id: str
    why: str


class ReplayAnswer(AnswerModel):
    """How many were sent again, and those that cannot be."""

    sent: int
    left: tuple[NotSent, ...]

    @property
    def exit_code(self) -> int:
        return DIFFERS if self.left else DONE

    def show(self, out: Console) -> None:
        """The number, then those that were left."""
        out.print(f"{self.sent:,} sent again.")
        for each in self.left:
            out.print(Text(f"{each.id}: {each.why}."))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "replay", ReplayAnswer, example="quarantine --org org_harbor")(replay)


def replay(
    cli: Cli,
    what: Annotated[
        What, typer.Argument(help="Messages that were given up, or records that were unreadable.")
    ],
    *,
    org: Annotated[str | None, typer.Option(metavar="ORG", help="Only this org's.")] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="Only this one: a letter even if it was replayed before."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = LIMIT,
) -> ReplayAnswer:
    """Send messages that were given up to their topics again, each once; or ask the POS again for
    records in quarantine. Those that cannot be sent again are named."""
    return answer_of(send_again(cli, what, org, only, limit))


def send_again(
    cli: Cli, what: What, org_id: str | None, only: str | None, limit: int
) -> ReplayResult:
    """Send again what is asked for, and note who wanted it."""
    target = cli.target
    now, named = utc_now(), only or "all"
    action = "dead_letter_replayed" if what is What.DEAD_LETTERS else "quarantine_replayed"
    record_action(target.store, Actor(REQUESTED_BY), action, org_id=org_id, target=named, now=now)
    if what is What.QUARANTINE:
        records = quarantine_replay(target.store, target.topic("pos-sync"))
        return records(org_id, only, limit)
    topics = {name: target.topic(t) for name, t in target.manifest.topics_of_functions.items()}
    return dead_letter_replay(target.store, topics)(org_id, only, limit)


def answer_of(found: ReplayResult) -> ReplayAnswer:
    """What came of it."""
    left = tuple(NotSent(id=letter, why=why) for letter, why in found.left.items())
    return ReplayAnswer(sent=found.sent, left=left)
