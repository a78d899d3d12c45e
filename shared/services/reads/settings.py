"""An org's settings as people may see them: the locations and what the sync, the loyalty programme
and alerts go by. Of a secret only whether there is one; of a name that means nothing not its value,
which may be a secret under a misspelt name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.domain.loyalty import LoyaltyRules
from shared.domain.providers import PROVIDERS
from shared.errors import ConfigurationInvalid, at_fault
from shared.loyalty.alpine_iq import AlpineIqSettings
from shared.pos.config import SECRETS, known_fields, read_location, unknown_fields
from shared.services.alerts import address_id
from shared.store import locations, paths, tenants
from shared.store.database import Database, Document, Fields, version_text
from shared.store.tenants import SyncSettings, TenantLoyalty

LONGEST_VALUE = 500
"""Characters of a text that are shown."""
SERVICE_CHARACTERS = 20
_USER_INFO = re.compile(r"//[^/]*@")

Shown = str | int | float | bool


@dataclass(frozen=True, slots=True)
class StoredLocation:
    """A location's settings. ``fields`` are those of ``posConfig`` that are no secret, ``secrets``
    whether each is set, ``unknown`` the names that mean nothing, ``problem`` what is not valid.
    ``version`` is to be given with a change."""

    id: str
    version: str
    name: str | None
    timezone: str | None
    fields: Mapping[str, Shown]
    secrets: Mapping[str, bool]
    unknown: Sequence[str]
    problem: str | None


@dataclass(frozen=True, slots=True)
class AlertAddress:
    """An address that alerts go to, by its id and the kind of service: itself it is a secret."""

    id: str
    service: str


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """All of an org's settings, with the defaults for what it lacks. A part that is not valid is
    None, and ``problems`` says why, by the part's field in the org's document. ``version`` is that
    of this document, to be given with a change; None where there is none."""

    version: str | None
    name: str | None
    locations: Sequence[StoredLocation]
    sync: SyncSettings | None
    loyalty: LoyaltyRules | None
    alpine_iq: AlpineIqSettings | None
    alert_addresses: Sequence[AlertAddress]
    notify: Sequence[str]
    warnings: Sequence[str]
    problems: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SettingsReads:
    """Reads the settings of orgs: a read, and one for each location."""

    database: Database

    def __call__(self, org_id: str) -> StoredSettings:
        """The org's settings."""
        path = paths.tenant(org_id)
        document = self.database.get(path)
        found = locations.documents_of(self.database, org_id)
        return _settings(org_id, document, [_location(each) for each in found])


def _settings(
    org_id: str, document: Document, stored_locations: Sequence[StoredLocation]
) -> StoredSettings:
    fields, problems = document.fields, dict[str, str]()
    sync, notify, warnings = None, list[str](), tuple[str, ...]()
    try:
        settings = tenants.settings_in(paths.tenant(org_id), fields)
    except ConfigurationInvalid as error:
        problems["sync"] = str(error)
    else:
        sync, notify, warnings = settings.sync, sorted(settings.notify), settings.warnings
    loyalty, rules, account = TenantLoyalty(org_id, fields), None, None
    try:
        rules = loyalty.rules()
    except ConfigurationInvalid as error:
        problems["loyaltySettings"] = str(error)
    try:
        account = loyalty.account()
    except ConfigurationInvalid as error:
        problems["alpineIq"] = str(error)
    return StoredSettings(
        version=version_text(document.version) if document.version else None,
        name=tenants.name_of(fields) or None,
        locations=stored_locations,
        sync=sync,
        loyalty=rules,
        alpine_iq=account if isinstance(account, AlpineIqSettings) else None,
        alert_addresses=[
            AlertAddress(
                address_id(url), url.get_secret_value().partition("://")[0][:SERVICE_CHARACTERS]
            )
            for url in tenants.alert_urls_in(fields)
        ],
        notify=notify,
        warnings=warnings,
        problems=problems,
    )


def _location(document: Document) -> StoredLocation:
    assert document.version is not None  # it was found
    given = document.fields.get("posConfig")
    config: Fields = given if isinstance(given, dict) else {}
    known = known_fields(config.get("provider"))
    return StoredLocation(
        id=document.id,
        version=version_text(document.version),
        name=_text(document.fields.get("name")),
        timezone=_text(document.fields.get("timezone")),
        fields={
            name: _shown(config[name])
            for name in known
            if name not in SECRETS and isinstance(config.get(name), Shown)
        },
        secrets={name: bool(config.get(name)) for name in known if name in SECRETS},
        unknown=unknown_fields(config),
        problem=_problem(document),
    )


def _problem(document: Document) -> str | None:
    """What is wrong with a location, without its values."""
    try:
        read_location(document.id, document.fields)
    except ValidationError as error:
        return at_fault(error, tags=PROVIDERS)
    return None


def _shown(value: Any) -> Shown:
    shown: Shown = value
    return without_user(value)[:LONGEST_VALUE] if isinstance(value, str) else shown


def without_user(text: str) -> str:
    """Without the user and password that an address may have."""
    return _USER_INFO.sub("//…@", text)


def _text(value: object) -> str | None:
    return value[:LONGEST_VALUE] if isinstance(value, str) and value else None
