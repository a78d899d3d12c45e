"""``connect`` and ``check``: an account at a POS, tried before anything is stored, and after."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, OrgArgument, Yes, command
from deploy.sam.runs import GOOD
from deploy.sam.syncs import REQUESTED_BY, WAIT_SECONDS, SyncAnswer, start
from deploy.sam.words import known_org, listing
from shared.bootstrap.pos import PosSettings, account_opener
from shared.clock import utc_now
from shared.domain.ids import is_document_id
from shared.domain.providers import ALLEAVES, LABELS, LIGHTSPEED, PROVIDERS
from shared.errors import ConfigurationInvalid, Owner
from shared.outbound.session import HttpSettings
from shared.pos.config import ALLEAVES_URL, DEFAULT_TIMEZONE, SECRETS
from shared.services.admin.connection import ConnectionResult, TryConnection
from shared.services.admin.drafts import LocationChange
from shared.services.admin.locations import LocationSettings
from shared.services.manual_sync import SyncRequest
from shared.store import locations
from shared.store.database import version_text
from shared.web.routes.admin_settings import ConnectionResponse, connection_view

CALL_SECONDS = 20.0
"""All of one call to the POS, its tries included: somebody waits."""
BESIDE = ("name", "timezone")
"""Fields of a location that are not of its POS settings."""
REST_STYLE = "rest"


class Connection(ConnectionResponse):
    """What a trial came to, as ``POST /api/admin/locations/test`` gives it. ``location`` is the id
    of the location's document; None before there is one."""

    location: str | None

    def show(self, out: Console) -> None:
        """A line for each call."""
        named = f"Location {self.location} at " if self.location else ""
        title, figures = f"{named}{self.provider}", ("ms", "rows")
        table = listing("call", *figures, "answer", right=figures, title=title)
        for each in self.calls:
            answer = Text(each.problem, style="red") if each.problem else Text("ok", style="green")
            rows = "" if each.rows is None else f"{each.rows:,}"
            table.add_row(each.name, f"{each.milliseconds:,}", rows, answer)
        out.print(table)
        if self.location_ids:
            zone = self.timezone or f"not said: {DEFAULT_TIMEZONE} is assumed"
            out.print(f"Location id {', '.join(self.location_ids)}, time zone {zone}.")


class CheckAnswer(AnswerModel):
    """The org's locations, each tried."""

    org_id: str
    ok: bool
    locations: tuple[Connection, ...]

    @property
    def exit_code(self) -> int:
        return DONE if self.ok else DIFFERS

    def show(self, out: Console) -> None:
        """Each location."""
        for each in self.locations:
            each.show(out)


class ConnectAnswer(AnswerModel):
    """The location as it was stored, and its first sync where one was made. ``secrets`` are the
    fields whose values are kept as secrets."""

    org_id: str
    location: str
    created: bool
    secrets: tuple[str, ...]
    connection: Connection
    sync: SyncAnswer | None

    @property
    def exit_code(self) -> int:
        return self.sync.exit_code if self.sync else DONE

    def show(self, out: Console) -> None:
        """What is stored, and what comes next."""
        done = "added" if self.created else "changed"
        out.print(f"Location {self.location} of {self.org_id} is {done}.", markup=False)
        if self.sync:
            self.sync.show(out)
        if self.sync is None or self.sync.run is None or self.sync.run.state not in GOOD:
            out.print(f"Next: `sync-sam sync {self.org_id} --wait`", markup=False)
        else:
            out.print(f"Next: `sync-sam status {self.org_id}`", markup=False)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "connect", ConnectAnswer, example="org_harbor --from account.json")(connect)
    command(app, "check", CheckAnswer, example="org_harbor")(check)


def connect(
    cli: Cli,
    org: OrgArgument,
    *,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Take the account from a JSON file instead of asking: provider and the fields of"
            " posConfig, and name and timezone of the location. - is standard input.",
        ),
    ] = None,
    location: Annotated[
        str | None, typer.Option(help="Id of the location's document. Without it: ORG's own name.")
    ] = None,
    sync: Annotated[
        bool | None, typer.Option("--sync/--no-sync", help="Make the first sync, or not.")
    ] = None,
    yes: Yes = False,
) -> ConnectAnswer:
    """Connect an org with its POS: tries the account, stores the location and its secrets, and
    makes the first sync. Without --from it asks, and shows no secret."""
    location_id = location or org.removeprefix("org_").replace("_", "-")
    for what, name in (("org", org), ("location", location_id)):
        if not is_document_id(name):
            raise CouldNot(f"{name} cannot be the id of an {what}: letters, digits, _ and -")
    store = cli.target.store  # before anything is asked: there may be no cloud
    fields = _from_file(given) if given else _asked(cli)
    fields, result = _tried(cli, org, fields, ask=given is None)
    stored = locations.document(store, location_id)
    if stored.exists:
        cli.confirm(f"Change the location {location_id}, which is there already?", yes=yes)
    settings, actor = location_settings(cli), cli.target.actor
    if stored.exists and stored.version is not None:
        settings.change(org, location_id, _change(fields), version_text(stored.version), actor)
    else:
        settings.add(org, _change(fields), actor, location_id)
    run = None
    if sync or (sync is None and _wanted("Make the first sync now?", yes=yes)):
        request = SyncRequest(org_id=org, requested_by=REQUESTED_BY)
        run = start(cli, request, wait_seconds=WAIT_SECONDS)
    return ConnectAnswer(
        org_id=org,
        location=location_id,
        created=not stored.exists,
        secrets=tuple(name for name in SECRETS if fields.get(name)),
        connection=_connection(location_id, result),
        sync=run,
    )


def check(
    cli: Cli,
    org: OrgArgument,
    *,
    location: Annotated[str | None, typer.Option(help="Only this location.")] = None,
) -> CheckAnswer:
    """Try the connection of an org: sign-in, each list and how fast it is, location, time zone.
    Nothing is stored."""
    org_id = known_org(cli, org)
    ids = (
        [location] if location else [each.id for each in locations.listed(cli.target.store, org_id)]
    )
    if not ids:
        raise CouldNot(f"{org_id} has no location: `sync-sam connect {org_id}` adds one")
    found = [tried(cli, org_id, LocationChange({}, {}), each) for each in ids]
    return CheckAnswer(org_id=org_id, ok=all(each.ok for each in found), locations=tuple(found))


_ASKED: Mapping[str, tuple[tuple[str, str, bool], ...]] = {
    ALLEAVES: (
        ("username", "User name", False),
        ("password", "Password", True),
        ("pin", "PIN", True),
    ),
    LIGHTSPEED: (("domainPrefix", "Domain prefix", False), ("token", "Personal token", True)),
}
"""What is asked for, by provider: field, words, whether it is a secret."""


def _from_file(file: Path) -> dict[str, Any]:
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CouldNot(f"{file} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise CouldNot(f"{file} is to hold a JSON object: provider, username, password, …")
    inner = found.pop("posConfig", {})
    merged = {**found, **inner} if isinstance(inner, dict) else found
    merged.pop("orgId", None)
    merged.pop("id", None)
    if merged.get("provider") not in PROVIDERS:
        raise CouldNot(f"provider in {file} is none of {', '.join(PROVIDERS)}")
    return merged


def _asked(cli: Cli) -> dict[str, Any]:
    if not sys.stdin.isatty():
        raise CouldNot("nobody can be asked here: give the account with --from FILE")
    cli.say("An empty answer leaves a field out. What is secret is not shown.")
    choice = typer.prompt(f"Provider ({' or '.join(LABELS)})", default=ALLEAVES, err=True)
    provider = str(choice).strip().lower()
    if provider not in PROVIDERS:
        raise CouldNot(f"{provider} is none of {', '.join(PROVIDERS)}")
    fields: dict[str, Any] = {"provider": provider}
    if provider == ALLEAVES:
        url = _ask("Base URL, /api included", default=ALLEAVES_URL)
        fields |= {"baseUrl": url} if url != ALLEAVES_URL else {}
    for name, words, secret in _ASKED[provider]:
        if found := _ask(words, secret=secret):
            fields[name] = found
    if provider == ALLEAVES and not fields.get("password"):
        fields |= {"apiKey": key} if (key := _ask("API key", secret=True)) else {}
    if name := _ask("Name of the location"):
        fields["name"] = name
    return fields


def _ask(words: str, *, secret: bool = False, default: str = "") -> str:
    found = typer.prompt(
        words, default=default, hide_input=secret, show_default=bool(default), err=True
    )
    return str(found).strip()


def _wanted(question: str, *, yes: bool) -> bool:
    if yes:
        return True
    return sys.stdin.isatty() and typer.confirm(question, default=True, err=True)


def _tried(
    cli: Cli, org_id: str, fields: dict[str, Any], *, ask: bool
) -> tuple[dict[str, Any], ConnectionResult]:
    """The fields with what the POS has said of the location, and how the trial went. Raises
    CouldNot where a sync could not do its work with them."""
    result = _try(cli, org_id, fields)
    if _is_other_style(fields, result):
        other = {**fields, "apiStyle": REST_STYLE}
        retried = _try(cli, org_id, other)
        if not _is_other_style(fields, retried):
            fields, result = other, retried
    if not fields.get("locationId") and _signed_in(result):
        meant = _chosen(result, ask=ask)
        if meant:
            fields = {**fields, "locationId": meant}
            result = _try(cli, org_id, fields)
    if not result.ok:
        raise refused(cli, _connection(None, result))
    if not fields.get("timezone") and not result.timezone and ask:
        fields = {**fields, "timezone": _ask("Time zone", default=DEFAULT_TIMEZONE)}
    return fields, result


def refused(cli: Cli, trial: Connection) -> CouldNot:
    """The error for settings that the POS does not work with, all of which people are shown."""
    if not cli.as_json:
        trial.show(cli.errors)
    first = next((each for each in trial.calls if each.problem), None)
    if first is None:
        return CouldNot("nothing was stored: the POS does not say which location is meant")
    told = f"nothing was stored. {first.name}: {first.problem}"
    return CouldNot(told, turn=Owner(first.owner or Owner.ORG))


def _try(cli: Cli, org_id: str, fields: Mapping[str, Any]) -> ConnectionResult:
    with cli.working("Trying the account …"):
        return _trial(cli)(org_id, _change(fields))


def _is_other_style(fields: Mapping[str, Any], result: ConnectionResult) -> bool:
    """Whether the lists of Alleaves are not where the settings' style has them."""
    missing = {each.name for each in result.calls if each.code == ConfigurationInvalid.code}
    wrong = bool(missing & {"customers", "orders"})
    return fields["provider"] == ALLEAVES and not fields.get("apiStyle") and wrong


def _signed_in(result: ConnectionResult) -> bool:
    return any(each.name == "sign_in" and not each.problem for each in result.calls)


def _chosen(result: ConnectionResult, *, ask: bool) -> str | None:
    """The location that is meant, of those that the account has; None where its settings mean all
    of them."""
    if len(result.location_ids) == 1:
        return result.location_ids[0]
    known = {each.id: str(each.fields.get("name") or "") for each in result.locations}
    if result.provider == LIGHTSPEED or not known:
        return None
    named = ", ".join(f"{i} ({name})" if name else i for i, name in known.items())
    if not ask:
        raise CouldNot(f"the account has several locations: name one in locationId: {named}")
    for number, (location_id, name) in enumerate(known.items(), 1):
        typer.echo(f"  {number}. {name or 'without a name'} ({location_id})", err=True)
    while True:
        said = _ask(f"Which location? 1 to {len(known)}", default="1")
        if said in known:
            return said
        if said.isdecimal() and 1 <= int(said) <= len(known):
            return list(known)[int(said) - 1]


def _change(fields: Mapping[str, Any]) -> LocationChange:
    beside = {name: fields[name] for name in BESIDE if name in fields}
    return LocationChange(beside, {n: v for n, v in fields.items() if n not in BESIDE})


def _trial(cli: Cli) -> TryConnection:
    settings = cli.target.settings_of("admin_api", PosSettings)
    opener = account_opener(
        settings, cli.target.store, HttpSettings(total_seconds=CALL_SECONDS), typed=True
    )
    return TryConnection(cli.target.store, opener, settings.destinations, utc_now)


def location_settings(cli: Cli) -> LocationSettings:
    """The service that changes locations."""
    settings = cli.target.settings_of("admin_api", PosSettings)
    return LocationSettings(cli.target.store, settings.sealer, settings.destinations, utc_now)


def tried(cli: Cli, org_id: str, change: LocationChange, location: str) -> Connection:
    """How a location does with a change, nothing of which is stored."""
    with cli.working(f"Trying {location} …"):
        result = _trial(cli)(org_id, change, location)
    return _connection(location, result)


def _connection(location: str | None, result: ConnectionResult) -> Connection:
    return Connection(location=location, **connection_view(result).model_dump(by_alias=False))
