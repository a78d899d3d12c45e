"""``tail``: the log lines of one org, as they come.

On the local cloud they are read from the functions' files below ``.local/logs``, in a project from
Cloud Logging (entries.list, which takes 60 calls a minute).
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import google.auth
import typer
from google.auth.transport.requests import AuthorizedSession
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import AnswerModel, Cli, CouldNot, OrgArgument, command, output
from deploy.sam.google import GoogleRest, NotAnswered
from deploy.sam.target import CommandTarget
from deploy.sam.words import known_org
from shared.errors import Owner

LINES = 20
LOOK_SECONDS, ASK_SECONDS = 0.3, 3.0
LARGEST_PAGE, MOST_PAGES = 1_000, 10
LARGEST_LOG = 20_000_000
"""Bytes of a file that are searched for earlier lines."""
PAST = timedelta(days=1)
"""How far back Cloud Logging is searched for them."""
ENTRIES = "https://logging.googleapis.com/v2/entries:list"
SCOPE = "https://www.googleapis.com/auth/logging.read"
OWN = {"time", "severity", "message", "org_id", "run_id"}
COLORS = {"ERROR": "red", "WARNING": "yellow", "CRITICAL": "bold red"}


class LogLine(AnswerModel):
    """A line of the log: the ``event`` by its constant name, and what it says of it. With --json
    each is a line of its own."""

    time: datetime
    severity: str
    function: str
    event: str
    run_id: str | None
    fields: dict[str, Any]

    def show(self, out: Console) -> None:
        told = " ".join(f"{name}={value}" for name, value in self.fields.items())
        run = f" run_id={self.run_id}" if self.run_id else ""
        line = Text(f"{self.time.astimezone():%H:%M:%S} {self.function:<18} ")
        line.append(self.event, style=COLORS.get(self.severity, "bold"))
        line.append(f"{run} {told}".rstrip())
        out.print(line, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "tail", LogLine, example="org_harbor")(tail)


def tail(
    cli: Cli,
    org: OrgArgument,
    *,
    lines: Annotated[int, typer.Option(help="So many of the lines before.", min=0)] = LINES,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C, or end at once.")
    ] = True,
) -> None:
    """Follow the logs of one org."""
    org_id = known_org(cli, org)
    source = _local(cli.target, org_id) if cli.target.stack else _project(cli.target, org_id)
    out = output()
    try:
        for line in source(lines, follow):
            if cli.as_json:
                typer.echo(line.model_dump_json(by_alias=True))
            else:
                line.show(out)
    except KeyboardInterrupt:
        return


Source = Callable[[int, bool], Iterator[LogLine]]
"""From how many earlier lines are wanted, and whether later ones are, to the lines."""


def line_of(text: str | bytes, function: str, org_id: str) -> LogLine | None:
    """The line in a function's log; None for one that is not about the org, or not ours."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("org_id") != org_id:
        return None
    try:
        at = datetime.fromisoformat(str(said.get("time")))
    except ValueError:
        return None
    return _line(said, at, str(said.get("severity", "INFO")), function)


def _line(said: Mapping[str, Any], at: datetime, severity: str, function: str) -> LogLine:
    own = {k: v for k, v in said.items() if k not in OWN and not k.startswith("logging.google")}
    return LogLine(
        time=at if at.tzinfo else at.replace(tzinfo=UTC),
        severity=severity,
        function=function,
        event=str(said.get("message", "")),
        run_id=said.get("run_id"),
        fields=own,
    )


def _local(target: CommandTarget, org_id: str) -> Source:
    return lambda lines, follow: LocalLogs(target.logs, org_id)(lines, follow=follow)


class LocalLogs:
    """The files of a folder, one for each function, read on from where they were left."""

    def __init__(
        self, folder: Path, org_id: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._folder = folder
        self._sleep = sleep
        self._org_id = org_id
        self._read: dict[Path, int] = {}

    def __call__(self, lines: int, *, follow: bool) -> Iterator[LogLine]:
        """The last ``lines`` that are there, then those that come."""
        found = self._new()
        yield from found[len(found) - lines :] if lines < len(found) else found
        while follow:
            self._sleep(LOOK_SECONDS)
            yield from self._new()

    def _new(self) -> list[LogLine]:
        found = [each for file in sorted(self._folder.glob("*.log")) for each in self._of(file)]
        return sorted(found, key=lambda line: line.time)

    def _of(self, file: Path) -> Iterator[LogLine]:
        size = file.stat().st_size
        start = self._read.get(file, max(0, size - LARGEST_LOG))
        if size < start:  # written anew
            start = 0
        with file.open("rb") as log:
            log.seek(start)
            whole, _, _ = log.read(size - start).rpartition(b"\n")
        self._read[file] = start + len(whole) + bool(whole)
        for text in whole.split(b"\n"):
            line = line_of(text, file.stem, self._org_id)
            if line is not None:
                yield line


def _project(target: CommandTarget, org_id: str) -> Source:
    def lines_of(lines: int, follow: bool) -> Iterator[LogLine]:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        with AuthorizedSession(credentials) as session:
            yield from CloudLogs(GoogleRest(session), target.project, org_id)(lines, follow=follow)

    return lines_of


class CloudLogs:
    """The same from Cloud Logging. Raises CouldNot where it does not answer; once lines are
    followed, only where it refuses."""

    def __init__(
        self,
        rest: GoogleRest,
        project: str,
        org_id: str,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rest = rest
        self._sleep = sleep
        self._project = project
        self._org_id = org_id

    def __call__(self, lines: int, *, follow: bool) -> Iterator[LogLine]:
        """The last ``lines`` of a day, then those that come."""
        since = datetime.now(UTC)
        seen: dict[str, datetime] = {}
        try:
            earlier = self._ask(since - PAST, "timestamp desc", lines) if lines else []
        except NotAnswered as error:
            raise self._could_not(error) from None
        for entry in reversed(earlier):
            seen[entry["insertId"]] = _moment(entry)
            yield self._line(entry)
        while follow:
            self._sleep(ASK_SECONDS)
            for entry in self._newer(since):
                at = _moment(entry)
                if entry["insertId"] in seen:
                    continue
                seen[entry["insertId"]] = at
                yield self._line(entry)
            if seen:
                # Entries may be listed some seconds late, out of turn.
                since = max(since, max(seen.values()) - timedelta(seconds=30))
                seen = {key: at for key, at in seen.items() if at >= since}

    def _newer(self, since: datetime) -> list[dict[str, Any]]:
        try:
            return self._ask(since, "timestamp asc", LARGEST_PAGE)
        except NotAnswered as error:
            if error.refused:
                raise self._could_not(error) from None
            return []  # asked again in a moment

    def _could_not(self, error: NotAnswered) -> CouldNot:
        if not error.refused:
            return CouldNot(f"Cloud Logging does not answer: {error}", turn=Owner.US)
        why = error.why or f"it answers {error.status}"
        return CouldNot(
            f"Cloud Logging refuses: {why}. It takes the role Logs Viewer in project"
            f" {self._project}"
        )

    def _ask(self, since: datetime, order: str, size: int) -> list[dict[str, Any]]:
        """So many entries. A search that did not come to its end in time answers with fewer, and
        a token by which it goes on. Raises NotAnswered."""
        wanted = f'jsonPayload.org_id="{self._org_id}" AND timestamp>="{since.isoformat()}"'
        asked = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": f'resource.type="cloud_run_revision" AND {wanted}',
            "orderBy": order,
            "pageSize": size,
        }
        entries: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            reply = self._rest.post(ENTRIES, asked)
            entries += reply.get("entries", ())
            if len(entries) >= size or not (token := reply.get("nextPageToken")):
                break
            asked["pageToken"] = token
        return entries[:size]

    def _line(self, entry: Mapping[str, Any]) -> LogLine:
        labels = entry.get("resource", {}).get("labels", {})
        severity = str(entry.get("severity", "DEFAULT"))
        service = str(labels.get("service_name", "")).replace("-", "_")
        return _line(entry.get("jsonPayload", {}), _moment(entry), severity, service)


def _moment(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["timestamp"])
