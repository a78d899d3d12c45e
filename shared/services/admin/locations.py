"""An org's locations, changed by a person: added, corrected, paused, resumed."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import SecretStr

from shared.clock import Clock
from shared.domain.org_secrets import SecretPlace
from shared.errors import NotFound, RequestInvalid, RequestRefused
from shared.outbound.destinations import Destinations
from shared.outbound.sealing import Sealer
from shared.services.admin.audit import Actor, record_action
from shared.services.admin.drafts import LocationChange, LocationDraft, draft_of
from shared.store import locations
from shared.store.audit import Action
from shared.store.database import (
    Conflict,
    Database,
    Document,
    Fields,
    Write,
    WriteRefused,
    version_text,
)
from shared.store.locations import settings_of

TRIES = 5
Activity = Literal["active", "paused"]


class ChangedMeanwhile(RequestRefused):
    """Somebody else has changed the same since it was read, or it is there already."""

    code = "changed_meanwhile"
    status = 409


@dataclass(frozen=True, slots=True)
class SavedLocation:
    """The id of a location that was stored, and the version that it now has."""

    location_id: str
    version: str


@dataclass(frozen=True, slots=True)
class LocationSettings:
    """Changes the locations of orgs. Methods raise RequestInvalid naming each field that is wrong,
    NotFound for a location that the org does not have, and ChangedMeanwhile."""

    database: Database
    sealer: Sealer
    destinations: Destinations
    clock: Clock

    def add(
        self, org_id: str, change: LocationChange, actor: Actor, location_id: str | None = None
    ) -> SavedLocation:
        """Add a location, under an id of the caller's choice or a new one."""
        found = location_id or f"loc-{uuid.uuid4().hex[:16]}"
        draft = draft_of(org_id, found, {}, change, self.destinations)
        return self._save(draft, {}, None, actor, "location_added")

    def change(
        self, org_id: str, location_id: str, change: LocationChange, version: str, actor: Actor
    ) -> SavedLocation:
        """Change a location that is still of the version that the caller has seen."""
        stored = self.read(org_id, location_id)
        self._require(stored, version)
        draft = draft_of(org_id, location_id, stored.fields, change, self.destinations)
        return self._save(draft, stored.fields, stored.version, actor, "location_changed")

    def set_status(
        self, org_id: str, location_id: str, status: Activity, actor: Actor
    ) -> SavedLocation:
        """Have a location synced, or not any more. Other fields, and what others change in them,
        stay."""
        action: Action = "location_resumed" if status == "active" else "location_paused"
        for last in (*[False] * (TRIES - 1), True):
            stored = self.read(org_id, location_id)
            fields = paused(stored.fields)
            if status == "active":
                change = LocationChange({}, {"status": status})
                draft = draft_of(org_id, location_id, stored.fields, change, self.destinations)
                fields = draft.fields
            write = locations.put(location_id, fields, stored.fields, stored.version)
            try:
                return self._recorded(org_id, location_id, write, actor, action)
            except ChangedMeanwhile:
                if last:
                    raise
        raise AssertionError("the last try returns or raises")

    def read(self, org_id: str, location_id: str) -> Document:
        """The org's location of that id."""
        found = locations.document(self.database, location_id)
        if not found.exists or found.fields.get("orgId") != org_id:
            raise NotFound("the org has no such location")
        return found

    @staticmethod
    def _require(stored: Document, version: str) -> None:
        if stored.version is None or version != version_text(stored.version):
            raise ChangedMeanwhile("somebody else has changed it meanwhile: look again")

    def _save(
        self,
        draft: LocationDraft,
        before: Fields,
        version: datetime | None,
        actor: Actor,
        action: Action,
    ) -> SavedLocation:
        """Store the location with the secrets that were typed sealed for it."""
        org_id, location_id = draft.location.org_id, draft.location.id
        config = dict(draft.fields["posConfig"])
        for name in draft.typed:
            place = SecretPlace(org_id, f"posConfig.{name}", location_id)
            config[name] = sealed(self.sealer, str(config[name]), place)
        fields = {**draft.fields, "posConfig": config}
        write = locations.put(location_id, fields, before, version)
        return self._recorded(org_id, location_id, write, actor, action)

    def _recorded(
        self, org_id: str, location_id: str, write: Write, actor: Actor, action: Action
    ) -> SavedLocation:
        now = self.clock()
        try:
            version = record_action(
                self.database,
                actor,
                action,
                org_id=org_id,
                target=location_id,
                now=now,
                writes=[write],
            )
        except Conflict:
            raise ChangedMeanwhile(
                "somebody else has changed it meanwhile, or has taken this id: look again"
            ) from None
        except WriteRefused:
            raise RequestInvalid("the settings cannot be stored as they are") from None
        assert version is not None  # documents were written
        return SavedLocation(location_id, version_text(version))


def sealed(sealer: Sealer, text: str, place: SecretPlace) -> str:
    """A secret as it is stored at its place. Raises RequestInvalid for one that is too long, and
    SecretsUnavailable."""
    try:
        return sealer.seal(SecretStr(text), place).get_secret_value()
    except ValueError as error:
        raise RequestInvalid(f"{place.field}: {error}") from None


def paused(stored: Fields) -> dict[str, Any]:
    """The location, not to be synced, whatever else is wrong with it."""
    return {**stored, "posConfig": {**settings_of(stored), "status": "paused"}}
