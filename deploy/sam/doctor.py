"""``doctor``: is an installation as its manifest says, and at work?"""

from collections.abc import Iterator
from contextlib import contextmanager

import google.auth
import requests
import typer
from google.auth.transport.requests import AuthorizedSession
from rich.console import Console
from rich.text import Text

from deploy.sam.examination import Examination, Finding
from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, command
from deploy.sam.google import SCOPE, GoogleRest, NotAnswered
from deploy.sam.target import CommandTarget


class DoctorAnswer(AnswerModel):
    """All findings."""

    target: str
    ok: bool
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return DONE if self.ok else DIFFERS

    def show(self, out: Console) -> None:
        """A line for each, and below what to do."""
        for each in self.findings:
            mark = Text("ok  " if each.ok else "!!  ", style="green" if each.ok else "red")
            out.print(mark.append(f"{each.area} {each.name}: {each.said}", style="default"))
            if each.to_do:
                out.print(Text(f"      {each.to_do}", style="yellow"))


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "doctor", DoctorAnswer, example="--project harbor-prod")(doctor)


def doctor(cli: Cli) -> DoctorAnswer:
    """Look an installation over: functions and their settings, topics, subscriptions and what waits
    there, schedules, queue, indexes, expiry, secrets, rules. Each line is ok or says what to do."""
    target = cli.target
    with cli.working("Looking it over …"), _rest(target) as rest:
        examine = Examination(rest, target)
        findings = tuple(examine.local() if target.stack else examine.project())
        if refusal := rest.refusal:
            raise CouldNot(nothing_shown(target.project, refusal))
    return DoctorAnswer(target=target.name, ok=all(each.ok for each in findings), findings=findings)


def nothing_shown(project: str, refusal: NotAnswered) -> str:
    """The message where nothing of a project may be looked at."""
    why = refusal.why or str(refusal)
    return f"Google shows nothing of project {project}: {why}. It takes the role Viewer there"


@contextmanager
def _rest(target: CommandTarget) -> Iterator[GoogleRest]:
    if target.stack:
        with requests.Session() as plain:
            yield GoogleRest(plain)
        return
    credentials, _ = google.auth.default(scopes=[SCOPE])
    with AuthorizedSession(credentials) as session:
        yield GoogleRest(session)
