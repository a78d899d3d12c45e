"""``pause``, ``resume`` and ``secret rotate``: an org's locations and what they sign in with."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from deploy.sam.connecting import Connection, location_settings, refused, tried
from deploy.sam.frame import AnswerModel, Cli, CouldNot, OrgArgument, Yes, command
from deploy.sam.words import known_org
from shared.bootstrap.pos import PosSettings
from shared.bus.notifier import Notifier
from shared.clock import utc_now
from shared.domain.providers import LIGHTSPEED
from shared.pos.config import SECRETS
from shared.services.admin.drafts import LocationChange
from shared.services.admin.locations import Activity
from shared.services.admin.settings import OrgSettings, SettingsChange
from shared.services.webhook_secrets import AddressSecrets, new_secret
from shared.store import locations, tenants
from shared.store.database import version_text
from shared.store.locations import ListedLocation

LocationOption = Annotated[
    str | None, typer.Option("--location", metavar="ID", help="Only this location.")
]


WEBHOOK = "webhookSecret"
LOYALTY_KEY = "alpineIq.apiKey"
ROTATED = (*SECRETS, LOYALTY_KEY)


class ActivityAnswer(AnswerModel):
    """The locations whose status is now ``status``."""

    org_id: str
    status: Activity
    locations: tuple[str, ...]

    def show(self, out: Console) -> None:
        """A line."""
        out.print(Text(f"{self.status}: {', '.join(self.locations)} of {self.org_id}."))
        if self.status == "active":
            out.print(f"`sync-sam sync {self.org_id} --wait` syncs it now.", markup=False)


class RotatedAnswer(AnswerModel):
    """A secret that was replaced; ``location`` is null for one of the org itself. ``connection``:
    how the new one was tried first; ``secret`` is the one that was made, of webhooks, to be entered
    at the POS."""

    org_id: str
    location: str | None
    field: str
    connection: Connection | None
    secret: str | None

    def show(self, out: Console) -> None:
        """What is to be done next."""
        whose = f"location {self.location}" if self.location else self.org_id
        out.print(Text(f"{self.field} of {whose} is replaced."))
        if self.secret:
            out.print(Text(f"  The new one: {self.secret}"))
            out.print(Text(f"  Enter it at the POS: `sync-sam webhook {self.org_id} url`"))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "pause", ActivityAnswer, example="org_harbor")(pause)
    command(app, "resume", ActivityAnswer, example="org_harbor")(resume)
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="secret",
        help="The secrets of an org's locations.",
        epilog="Example: sync-sam secret rotate org_harbor password",
    )
    example = "org_harbor password"
    command(group, "rotate", RotatedAnswer, example=example, below="secret")(rotate)


def pause(
    cli: Cli, org: OrgArgument, *, location: LocationOption = None, yes: Yes = False
) -> ActivityAnswer:
    """Leave an org alone: its locations are synced no more, and everything stored stays."""
    org_id = known_org(cli, org)
    cli.confirm(f"Pause {org_id} in {cli.target.name}?", yes=yes)
    return _set_status(cli, org_id, "paused", location)


def resume(cli: Cli, org: OrgArgument, *, location: LocationOption = None) -> ActivityAnswer:
    """Have an org synced again."""
    return _set_status(cli, known_org(cli, org), "active", location)


def rotate(
    cli: Cli,
    org: OrgArgument,
    field: Annotated[
        str,
        typer.Argument(metavar="FIELD", help=f"Which one: {', '.join(ROTATED)}."),
    ],
    *,
    location: LocationOption = None,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Take the new one from a file; - is standard input."
        ),
    ] = None,
) -> RotatedAnswer:
    """Replace a secret of a location. The new one is asked for without echo, tried at the POS, and
    stored only if the POS accepts it. That of the webhooks is made here and printed."""
    org_id = known_org(cli, org)
    field = field.removeprefix("posConfig.")
    if field == LOYALTY_KEY:
        _store_loyalty_key(cli, org_id, _new_secret(field, given))
        return RotatedAnswer(
            org_id=org_id, location=None, field=field, connection=None, secret=None
        )
    if field not in SECRETS:
        raise CouldNot(f"{field} is no secret of an org: {', '.join(ROTATED)}")
    place = _only(cli, org_id, location)
    if field == WEBHOOK:
        made = _rotate_webhook(cli, org_id, place)
        return RotatedAnswer(
            org_id=org_id,
            location=place.id,
            field=field,
            connection=None,
            secret=made.get_secret_value(),
        )
    change = LocationChange({}, {field: _new_secret(field, given)})
    connection = tried(cli, org_id, change, place.id)
    if not connection.ok:
        raise refused(cli, connection)
    _store(cli, org_id, place.id, change)
    return RotatedAnswer(
        org_id=org_id, location=place.id, field=field, connection=connection, secret=None
    )


def _set_status(cli: Cli, org_id: str, status: Activity, location: str | None) -> ActivityAnswer:
    settings = location_settings(cli)
    own = [each.id for each in _listed(cli, org_id)]
    ids = [location] if location else own
    for each in ids:
        settings.set_status(org_id, each, status, cli.target.actor)
    return ActivityAnswer(org_id=org_id, status=status, locations=tuple(ids))


def _listed(cli: Cli, org_id: str) -> list[ListedLocation]:
    found = locations.listed(cli.target.store, org_id)
    if not found:
        raise CouldNot(f"{org_id} has no location: `sync-sam connect {org_id}` adds one")
    return found


def _only(cli: Cli, org_id: str, location: str | None) -> ListedLocation:
    found = [each for each in _listed(cli, org_id) if location in (None, each.id)]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(each.id for each in _listed(cli, org_id))
    raise CouldNot(f"say which location is meant with --location: {ids}")


def _new_secret(field: str, given: Path | None) -> str:
    if given is not None:
        text = sys.stdin.read() if str(given) == "-" else given.read_text()
        found = text.rstrip("\r\n")
    elif sys.stdin.isatty():
        found = typer.prompt(f"New {field}", hide_input=True, err=True)
    else:
        raise CouldNot("nobody can be asked here: give the new one with --from FILE")
    if not found:
        raise CouldNot("the new secret is empty")
    return str(found)


def _rotate_webhook(cli: Cli, org_id: str, place: ListedLocation) -> SecretStr:
    """A new secret. At Lightspeed, where it is part of the address, the old one counts for a day
    more; at Alleaves only the new one does."""
    if place.provider == LIGHTSPEED:
        target = cli.target
        return AddressSecrets(target.store, target.secrets, utc_now, target.actor).exchange(org_id)
    made = new_secret()
    change = LocationChange({}, {WEBHOOK: made.get_secret_value()})
    _store(cli, org_id, place.id, change)
    return made


def _store(cli: Cli, org_id: str, location: str, change: LocationChange) -> None:
    settings = location_settings(cli)
    stored = settings.read(org_id, location)
    assert stored.version is not None  # it was read a moment ago, and exists
    settings.change(org_id, location, change, version_text(stored.version), cli.target.actor)


def _store_loyalty_key(cli: Cli, org_id: str, key: str) -> None:
    """The key of the org's account at its loyalty provider, which the next run tries."""
    target = cli.target
    settings = target.settings_of("admin_api", PosSettings)
    sealer, destinations = settings.sealer, settings.destinations
    notifier = Notifier(loopback=destinations.loopback)
    stored = tenants.document(target.store, org_id)
    seen = version_text(stored.version) if stored.version else None
    name, _, part = LOYALTY_KEY.partition(".")
    change = SettingsChange({name: {part: key}})
    OrgSettings(target.store, sealer, destinations, notifier, utc_now).change(
        org_id, change, seen, target.actor
    )
