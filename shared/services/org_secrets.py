"""Secrets in orgs' settings, as people set and replace them: sealed where they stand, in force with
the next run, without a restart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import PREFIX
from shared.outbound.sealing import MOST_BYTES, SEALED, Sealer
from shared.pos.config import secret_fields
from shared.store import locations, paths
from shared.store.database import Conflict, Database, Document, Update

Kept = Literal["sealed", "named", "text"]
"""How a secret stands in the settings: sealed, as ``secret:NAME``, or as text."""
POS_CONFIG, ALPINE_IQ = "posConfig", "alpineIq"
API_KEY = f"{ALPINE_IQ}.apiKey"
"""The secret in an org's own document."""
TRIES = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrgSecret:
    """A secret that an org has set. ``name`` is that of ``secret:NAME``, else empty."""

    place: SecretPlace
    kept: Kept
    name: str = ""


@dataclass(frozen=True, slots=True)
class OrgSecrets:
    """The secrets of orgs. Methods raise ConfigurationInvalid, in words."""

    database: Database
    sealer: Sealer

    def of(self, org_id: str) -> list[OrgSecret]:
        """Those that the org has set, by location and field."""
        found = [_secrets(org_id, document.id, document) for document in self._locations(org_id)]
        own = self.database.get(paths.tenant(org_id))
        return [secret for each in (*found, _secrets(org_id, "", own)) for secret in each]

    def rotate(
        self, org_id: str, field: str, secret: SecretStr, location_id: str = ""
    ) -> tuple[SecretPlace, OrgSecret | None]:
        """Set a secret, or replace it, by its field (``password``, ``posConfig.password``,
        ``alpineIq.apiKey``); ``location_id`` where several of the org's have such a field. Returns
        where it stands now, and what stood there before. Raises SecretsUnavailable too, and
        Conflict where somebody keeps changing the settings."""
        if not 0 < len(secret.get_secret_value().encode()) <= MOST_BYTES:
            raise ConfigurationInvalid(f"a secret has 1 to {MOST_BYTES:,} bytes")
        if field == API_KEY:
            return self._replaced(SecretPlace(org_id, API_KEY), secret)
        name = field.removeprefix(f"{POS_CONFIG}.")
        location = self._location_with(org_id, name, location_id)
        return self._replaced(SecretPlace(org_id, f"{POS_CONFIG}.{name}", location), secret)

    def seal(self, org_id: str) -> list[SecretPlace]:
        """Seal what stands in the org's settings as text; where that was. Raises as ``rotate``."""
        found = [each for each in self.of(org_id) if each.kept == "text"]
        for each in found:
            self._replaced(each.place, None)
        return [each.place for each in found]

    def sealed_config(
        self, org_id: str, location_id: str, pos_config: Mapping[str, Any]
    ) -> dict[str, Any]:
        """POS settings as they may be stored in that location: their secrets given as text are
        sealed. Raises SecretsUnavailable too."""
        sealed = dict(pos_config)
        for name in secret_fields(pos_config.get("provider")):
            text = _text(pos_config.get(name))
            if text and _kept(text) == "text":
                place = SecretPlace(org_id, f"{POS_CONFIG}.{name}", location_id)
                sealed[name] = self.sealer.seal(SecretStr(text), place).get_secret_value()
        return sealed

    def _replaced(
        self, place: SecretPlace, secret: SecretStr | None
    ) -> tuple[SecretPlace, OrgSecret | None]:
        """Write a secret, or seal the text that is there."""
        path = f"{paths.LOCATIONS}/{place.location_id}"
        path = path if place.location_id else paths.tenant(place.org_id)
        section, _, name = place.field.partition(".")
        for tries_left in reversed(range(TRIES)):
            document = self.database.get(path)
            stored = document.fields.get(section)
            owner = document.fields.get("orgId") if place.location_id else place.org_id
            if not isinstance(stored, dict) or owner != place.org_id:
                raise ConfigurationInvalid(f"{path} has no {section} of org {place.org_id}")
            before = _secret(place, stored.get(name))
            text = secret or SecretStr(_text(stored.get(name)))
            if secret is None and (before is None or before.kept != "text"):
                return place, before  # somebody else has been here
            sealed = self.sealer.seal(text, place).get_secret_value()
            write = Update(path, {section: {**stored, name: sealed}}, if_version=document.version)
            try:
                self.database.commit([write])
            except Conflict:
                if not tries_left:
                    raise
            else:
                log.info(
                    "org_secret_replaced",
                    org_id=place.org_id,
                    location_id=place.location_id,
                    field=place.field,
                )
                return place, before
        raise AssertionError("the last try returns or raises")

    def _location_with(self, org_id: str, name: str, location_id: str) -> str:
        """Id of the org's location whose settings have a secret of that name."""
        found = self._locations(org_id)
        if location_id:
            found = [each for each in found if each.id == location_id]
            if not found:
                raise ConfigurationInvalid(f"org {org_id} has no location {location_id}")
        having = [each for each in found if name in secret_fields(_config(each).get("provider"))]
        if not having:
            named = sorted({n for e in found for n in secret_fields(_config(e).get("provider"))})
            raise ConfigurationInvalid(
                f"no location of org {org_id} has a secret {name}: there are"
                f" {', '.join([*named, API_KEY])}"
            )
        if len(having) > 1:
            ids = ", ".join(each.id for each in having)
            raise ConfigurationInvalid(f"several locations of org {org_id} have {name}: {ids}")
        return having[0].id

    def _locations(self, org_id: str) -> list[Document]:
        return locations.documents_of(self.database, org_id)


def _secrets(org_id: str, location_id: str, document: Document) -> Iterator[OrgSecret]:
    section = POS_CONFIG if location_id else ALPINE_IQ
    stored = document.fields.get(section)
    if not isinstance(stored, dict):
        return
    names = secret_fields(stored.get("provider")) if location_id else ("apiKey",)
    for name in names:
        place = SecretPlace(org_id, f"{section}.{name}", location_id)
        if secret := _secret(place, stored.get(name)):
            yield secret


def _secret(place: SecretPlace, stored: object) -> OrgSecret | None:
    text = _text(stored)
    if not text:
        return None
    kept = _kept(text)
    return OrgSecret(place, kept, text.removeprefix(PREFIX) if kept == "named" else "")


def _text(stored: object) -> str:
    """People type pins as numbers as often as text."""
    return str(stored) if isinstance(stored, str | int) and not isinstance(stored, bool) else ""


def _kept(text: str) -> Kept:
    if text.startswith(SEALED):
        return "sealed"
    return "named" if text.startswith(PREFIX) else "text"


def _config(document: Document) -> Mapping[str, Any]:
    config = document.fields.get(POS_CONFIG)
    return config if isinstance(config, dict) else {}
