"""Which of the ``locations/{locationId}`` may send webhooks: the active ones at a provider, each
with its secrets and what its POS calls it in a webhook."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import SecretStr

from shared.domain.ids import is_document_id
from shared.store import paths
from shared.store.database import Conflict, Database, Document, Filter, Update
from shared.store.locations import ACTIVE

PLACE = {"alleaves": "locationId", "lightspeed": "domainPrefix"}
"""The field of ``posConfig`` that a provider's webhooks name: its location, or its account."""
APP_SECRET = {"lightspeed": "clientSecret"}
"""The field with the secret of the app that signs for a provider, beside ``webhookSecret``."""
ROTATED_AT = "webhookSecretRotatedAt"
_NAMES = ("provider", "status", "webhookSecret", ROTATED_AT, *PLACE.values(), *APP_SECRET.values())
_FIELDS = ["orgId", *(f"posConfig.{name}" for name in _NAMES)]
_MOST_DIGITS = 18
"""Of an id that is looked for as a number too: Firestore's numbers have no more."""


@dataclass(frozen=True, slots=True)
class WebhookSigner:
    """An active location. ``place`` is what webhooks call it, empty where the settings leave that
    to the POS. Secrets are as they are stored, maybe ``secret:NAME``, and None where the location
    has none; ``rotated_at`` is when ``secret`` was last exchanged by command."""

    id: str
    org_id: str
    place: str
    secret: SecretStr | None = field(repr=False)
    app_secret: SecretStr | None = field(default=None, repr=False)
    rotated_at: datetime | None = None


def of_org(database: Database, provider: str, org_id: str) -> list[WebhookSigner]:
    """Those of an org."""
    found = database.query(paths.LOCATIONS, ("orgId", "==", org_id), select=_FIELDS)
    return list(_signers(found, provider))


def at_place(database: Database, provider: str, place: str, few: int) -> list[WebhookSigner]:
    """Those that webhooks call so; none where more than ``few`` locations are: accounts may number
    their locations alike."""
    same = (f"posConfig.{PLACE[provider]}", "in", _forms(place))
    return _if_few(database, provider, same, few)


def active_if_few(database: Database, provider: str, few: int) -> list[WebhookSigner]:
    """All of them; none where more than ``few`` locations are active."""
    return _if_few(database, provider, ACTIVE, few)


def active(database: Database, provider: str, limit: int) -> list[WebhookSigner]:
    """Those among the first ``limit`` active locations."""
    found = database.query(paths.LOCATIONS, ACTIVE, select=_FIELDS, limit=limit)
    return list(_signers(found, provider))


def exchanged(
    database: Database,
    location_id: str,
    before: SecretStr | None,
    secret: SecretStr,
    now: datetime,
) -> Update:
    """The write of a location's secret in the place of the one ``before``, and of when that was.
    Raises Conflict where that is no longer the one before; it is refused where the location is
    changed meanwhile."""
    path = f"{paths.LOCATIONS}/{location_id}"
    found = database.get(path)
    config = found.fields.get("posConfig", {})
    if _secret(config.get("webhookSecret")) != before:
        raise Conflict(path)
    changed = {**config, "webhookSecret": secret.get_secret_value(), ROTATED_AT: now}
    return Update(path, {"posConfig": changed}, if_version=found.version)


def _if_few(database: Database, provider: str, which: Filter, few: int) -> list[WebhookSigner]:
    found = list(database.query(paths.LOCATIONS, which, select=_FIELDS, limit=few + 1))
    return list(_signers(found, provider)) if len(found) <= few else []


def _signers(documents: Iterable[Document], provider: str) -> Iterator[WebhookSigner]:
    for document in documents:
        config, org_id = document.fields.get("posConfig"), document.fields.get("orgId")
        if not isinstance(config, dict) or not isinstance(org_id, str):
            continue
        if not is_document_id(org_id):
            continue
        if config.get("provider") != provider or config.get("status") != "active":
            continue
        place, rotated_at = config.get(PLACE[provider]), config.get(ROTATED_AT)
        app_secret = config.get(APP_SECRET[provider]) if provider in APP_SECRET else None
        yield WebhookSigner(
            id=document.id,
            org_id=org_id,
            place=str(place) if isinstance(place, str | int) else "",
            secret=_secret(config.get("webhookSecret")),
            app_secret=_secret(app_secret),
            rotated_at=rotated_at if isinstance(rotated_at, datetime) else None,
        )


def _secret(stored: object) -> SecretStr | None:
    return SecretStr(stored) if isinstance(stored, str) and stored else None


def _forms(place: str) -> list[str | int]:
    """The id as operators type it: as text or as a number."""
    is_number = place.isascii() and place.isdecimal() and len(place) <= _MOST_DIGITS
    return [place, int(place)] if is_number and str(int(place)) == place else [place]
