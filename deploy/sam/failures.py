"""What failed: ``incidents``, ``dead-letters``, ``quarantine``; and ``replay``, to try again."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, OrgArgument, command
from deploy.sam.words import ago, known_org, moment
from shared.bootstrap.publishing import publisher
from shared.bootstrap.replay import dead_letter_replay, quarantine_replay
from shared.clock import utc_now
from shared.domain.wording import counted
from shared.services.admin.audit import record_action
from shared.services.dead_letters import ReplayResult
from shared.services.reads.operations import DeadLetterReads, IncidentReads, QuarantineReads
from shared.store import dead_letters as letters
from shared.store.audit import AuditAction
from shared.store.quarantine import QuarantinedRecord
from shared.web.routes.dead_letters import DeadLetterView, letter_view
from shared.web.routes.incidents import IncidentView, incident_view

LIMIT = 100
TEXT_SHOWN = 160
"""Characters of a message."""


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


class OrgIncident(IncidentView):
    """An incident, and whose it is; None: of Sync Sam itself."""

    org_id: str | None


class IncidentsAnswer(AnswerModel):
    """Incidents, the open ones first, then the latest."""

    incidents: tuple[OrgIncident, ...]

    def show(self, out: Console) -> None:
        """Each with what it says."""
        if not self.incidents:
            out.print("No incidents.")
        for each in self.incidents:
            whose = each.org_id or "Sync Sam"
            style = "red" if each.state == "open" else "dim"
            out.print(Text(f"{whose}: {each.title}", style=f"bold {style}"))
            since = f"{each.state} since {ago(each.opened_at)}"
            if each.resolved_at:
                since = f"opened {moment(each.opened_at)}, resolved {ago(each.resolved_at)}"
            told = "everybody was told"
            if not each.sent_at:
                told = f"not everybody was told, {counted(each.attempts, 'attempts')}"
            out.print(Text(f"  {each.key}, {since}, {told}", style="dim"))
            out.print(Text(f"  {each.body}"))


class LettersAnswer(AnswerModel):
    """Messages that could not be processed, the latest first; or what came of a ``replay``."""

    letters: tuple[DeadLetterView, ...]
    replay: ReplayAnswer | None

    @property
    def exit_code(self) -> int:
        return self.replay.exit_code if self.replay else DONE

    def show(self, out: Console) -> None:
        """Each with why it is here."""
        if self.replay:
            self.replay.show(out)
            return
        if not self.letters:
            out.print("No message was given up.")
        for each in self.letters:
            state = f"sent again {moment(each.replayed_at)}" if each.replayed else "waits"
            line = Text(f"{each.id} ", style="bold")
            line.append(f"{each.org_id or 'no org'}, {each.source}, {ago(each.last_seen_at)}: ")
            out.print(line.append(state, style="green" if each.replayed else "yellow"))
            out.print(Text(f"  [{each.error_code}] {each.message}"))
            out.print(Text(f"  {each.text[:TEXT_SHOWN]}", style="dim"))
        if any(not each.replayed for each in self.letters):
            out.print("`sync-sam dead-letters replay ID` sends one again, `sync-sam replay` all.")


class Unreadable(AnswerModel):
    """A record in quarantine, without what the POS sent, which may be personal data."""

    id: str
    stream: str
    provider: str
    record_id: str | None
    error_code: str
    message: str
    run_id: str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None


class QuarantineAnswer(AnswerModel):
    """The records of an org that could not be used."""

    org_id: str
    records: tuple[Unreadable, ...]

    def show(self, out: Console) -> None:
        """Each with the reason."""
        if not self.records:
            out.print("Nothing is in quarantine.")
        for each in self.records:
            out.print(Text(f"{each.id} ", style="bold").append(f"[{each.error_code}]", "yellow"))
            out.print(Text(f"  {each.message} First seen {ago(each.first_seen_at)}."))
        if self.records:
            out.print(f"`sync-sam replay quarantine --org {self.org_id}` asks the POS again.")


class What(StrEnum):
    """What is tried again."""

    DEAD_LETTERS = "dead-letters"
    QUARANTINE = "quarantine"


class LetterAction(StrEnum):
    """What is done with dead letters."""

    REPLAY = "replay"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "incidents", IncidentsAnswer, example="org_harbor")(incidents)
    command(app, "dead-letters", LettersAnswer, example="replay 4711")(dead_letters)
    command(app, "quarantine", QuarantineAnswer, example="org_harbor")(list_quarantine)
    command(app, "replay", ReplayAnswer, example="quarantine --org org_harbor")(replay)


def incidents(
    cli: Cli,
    org: Annotated[
        str | None, typer.Argument(metavar="ORG", help="Of this org, resolved ones too.")
    ] = None,
) -> IncidentsAnswer:
    """What people were alerted to: of one org, or all that is open."""
    reads = IncidentReads(cli.target.store)
    found = reads.of_org(known_org(cli, org)) if org else reads.open_ones()
    return IncidentsAnswer(
        incidents=tuple(
            OrgIncident(org_id=each.org_id, **incident_view(each).model_dump()) for each in found
        )
    )


def dead_letters(
    cli: Cli,
    action: Annotated[
        LetterAction | None, typer.Argument(help="Send one again; without it they are listed.")
    ] = None,
    letter: Annotated[str | None, typer.Argument(metavar="ID", help="Which one.")] = None,
    *,
    org: Annotated[str | None, typer.Option(metavar="ORG", help="Only this org's.")] = None,
    limit: Annotated[int, typer.Option(help="So many, the latest.", min=1, max=200)] = LIMIT,
) -> LettersAnswer:
    """List the messages that could not be processed, with the reasons; or send one again. One that
    comes back waits as the same letter again."""
    if action is None:
        page = DeadLetterReads(cli.target.store).page(org_id=org, limit=limit)
        return LettersAnswer(letters=tuple(map(letter_view, page.letters)), replay=None)
    if letter is None:
        raise CouldNot("say which letter: `sync-sam dead-letters` lists them with their ids")
    found = letters.read(cli.target.store, letter)
    if not found:
        raise CouldNot(f"there is no dead letter {letter}: `sync-sam dead-letters` lists them")
    sent = send_again(cli, What.DEAD_LETTERS, found.org_id, letter, 1)
    return LettersAnswer(letters=(), replay=answer_of(sent))


def list_quarantine(
    cli: Cli,
    org: OrgArgument,
    *,
    limit: Annotated[int, typer.Option(help="So many.", min=1, max=200)] = LIMIT,
) -> QuarantineAnswer:
    """The records of an org that could not be used, each with the reason."""
    org_id = known_org(cli, org)
    page = QuarantineReads(cli.target.store).page(org_id, limit=limit)
    records = tuple(_unreadable(each) for each in page.records)
    return QuarantineAnswer(org_id=org_id, records=records)


def _unreadable(found: QuarantinedRecord) -> Unreadable:
    record = found.record
    return Unreadable(
        id=record.id,
        stream=record.stream,
        provider=record.provider,
        record_id=record.key if record.named else None,
        error_code=found.code,
        message=found.message,
        run_id=found.run_id,
        first_seen_at=found.first_seen_at,
        last_seen_at=found.last_seen_at,
    )


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
    action: AuditAction = (
        "dead_letter_replayed" if what is What.DEAD_LETTERS else "quarantine_replayed"
    )
    record_action(target.store, target.actor, action, org_id=org_id, target=named, now=now)
    if what is What.QUARANTINE:
        return quarantine_replay(target.store, target.publisher("pos-sync"))(org_id, only, limit)
    topics = {name: target.topic(t) for name, t in target.manifest.topics_of_functions.items()}
    return dead_letter_replay(target.store, topics, publisher)(org_id, only, limit)


def answer_of(found: ReplayResult) -> ReplayAnswer:
    """What came of it."""
    left = tuple(NotSent(id=letter, why=why) for letter, why in found.left.items())
    return ReplayAnswer(sent=found.sent, left=left)
