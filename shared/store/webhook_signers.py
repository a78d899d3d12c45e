"""Which of the ``locations/{locationId}`` may sign webhooks: the active ones at a provider, each
with its ``posConfig.webhookSecret`` and the POS's id of the location."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from shared.domain.ids import is_document_id
from shared.store import paths
from shared.store.database import Database, Document, Filter
from shared.store.locations import ACTIVE

_FIELDS = [
    "orgId",
    *(f"posConfig.{name}" for name in ("provider", "status", "locationId", "webhookSecret")),
]
_MOST_DIGITS = 18
"""Of an id that is looked for as a number too: Firestore's numbers have no more."""


@dataclass(frozen=True, slots=True)
class WebhookSigner:
    """An active location. ``pos_location_id`` is empty where the settings leave it to the POS;
    ``secret`` is as it is stored, maybe ``secret:NAME``, and None where the location has none."""

    id: str
    org_id: str
    pos_location_id: str
    secret: SecretStr | None = field(repr=False)


def of_org(database: Database, provider: str, org_id: str) -> list[WebhookSigner]:
    """Those of an org."""
    found = database.query(paths.LOCATIONS, ("orgId", "==", org_id), select=_FIELDS)
    return list(_signers(found, provider))


def at_location(
    database: Database, provider: str, pos_location_id: str, few: int
) -> list[WebhookSigner]:
    """Those at a location of the POS; none where more than ``few`` locations have its id: accounts
    may number their locations alike."""
    same_id = ("posConfig.locationId", "in", _forms(pos_location_id))
    return _if_few(database, provider, same_id, few)


def active_if_few(database: Database, provider: str, few: int) -> list[WebhookSigner]:
    """All of them; none where more than ``few`` locations are active."""
    return _if_few(database, provider, ACTIVE, few)


def active(database: Database, provider: str, limit: int) -> list[WebhookSigner]:
    """Those among the first ``limit`` active locations."""
    found = database.query(paths.LOCATIONS, ACTIVE, select=_FIELDS, limit=limit)
    return list(_signers(found, provider))


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
        secret, place = config.get("webhookSecret"), config.get("locationId")
        yield WebhookSigner(
            id=document.id,
            org_id=org_id,
            pos_location_id=str(place) if isinstance(place, str | int) else "",
            secret=SecretStr(secret) if isinstance(secret, str) and secret else None,
        )


def _forms(pos_location_id: str) -> list[str | int]:
    """The id as operators type it: as text or as a number."""
    text = pos_location_id
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return [text, int(text)] if is_number and str(int(text)) == text else [text]
