"""A location's settings as somebody wants them, put together with those that are stored.

Fields left out keep their value, a field given as None is removed. A secret is text, to be sealed
before it is stored, or a reference to one of the org's own secrets. Those that are stored are never
sent to another address than the one they were given for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr, ValidationError

from shared.domain.org_secrets import SecretPlace
from shared.domain.providers import PROVIDERS
from shared.errors import ConfigurationInvalid, RequestInvalid, at_fault
from shared.outbound.credentials import PREFIX, secret_name
from shared.outbound.destinations import Destinations
from shared.outbound.sealing import SEALED
from shared.pos.config import (
    SECRETS,
    Location,
    fields_at_fault,
    read_location,
    unknown_fields,
)
from shared.pos.registry import check_settings
from shared.store.locations import settings_of

ADDRESS = ("provider", "baseUrl", "domainPrefix")
"""The fields that say where the secrets are sent."""
KEPT_AS_TEXT = frozenset({"webhookSecret"})
"""Compared with each webhook that names no location: sealed it would cost a call for every org."""


@dataclass(frozen=True, slots=True)
class LocationChange:
    """What somebody wants a location to be; ``given`` are the fields beside ``posConfig`` (name,
    time zone), ``pos_config`` those in it."""

    given: Mapping[str, str | None]
    pos_config: Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class LocationDraft:
    """A location with a change, valid but not stored. ``fields`` are its document's; ``typed`` are
    the names of the secrets in it that are to be sealed first."""

    location: Location
    fields: dict[str, Any]
    typed: tuple[str, ...]


def draft_of(
    org_id: str,
    location_id: str,
    stored: Mapping[str, Any],
    change: LocationChange,
    destinations: Destinations,
) -> LocationDraft:
    """The location with the change. Raises RequestInvalid naming each field that is wrong."""
    known = settings_of(stored)
    config = _merged(known, change.pos_config)
    config.setdefault("status", "active")
    fields = {**_merged(stored, change.given), "orgId": org_id, "posConfig": config}
    wrong = [
        *_unknown(config, change),
        *_foreign(org_id, location_id, change),
        *_sent_elsewhere(known, change),
    ]
    if wrong:
        raise RequestInvalid("; ".join(wrong))
    try:
        location = read_location(location_id, fields)
    except ValidationError as error:
        said = fields_at_fault(unknown_fields(config), at_fault(error, tags=PROVIDERS))
        raise RequestInvalid(said) from None
    try:
        check_settings(location, destinations)
    except ConfigurationInvalid as error:
        raise RequestInvalid(str(error)) from None
    typed = tuple(n for n in SECRETS if n in change.pos_config and _is_typed(n, config.get(n)))
    return LocationDraft(location, fields, typed)


def _merged(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**stored, **given}
    return {name: value for name, value in merged.items() if value is not None}


def _is_typed(name: str, value: object) -> bool:
    text = "" if value is None else str(value)
    return bool(text) and name not in KEPT_AS_TEXT and not text.startswith((PREFIX, SEALED))


def _unknown(config: Mapping[str, Any], change: LocationChange) -> list[str]:
    named = set(unknown_fields(config)) & set(change.pos_config)
    return [f"posConfig: {fields_at_fault(named)}"] if named else []


def _foreign(org_id: str, location_id: str, change: LocationChange) -> list[str]:
    named = {name: str(change.pos_config.get(name) or "") for name in SECRETS}
    wrong = []
    for name, text in named.items():
        if text.startswith(PREFIX):
            try:
                secret_name(SecretStr(text), SecretPlace(org_id, f"posConfig.{name}", location_id))
            except ConfigurationInvalid as error:
                wrong.append(f"posConfig.{name}: {error}")
    return wrong


def _sent_elsewhere(known: Mapping[str, Any], change: LocationChange) -> list[str]:
    moved = [n for n in ADDRESS if n in change.pos_config and change.pos_config[n] != known.get(n)]
    if not known or not moved:
        return []
    kept = [n for n in SECRETS if known.get(n) and n not in change.pos_config]
    return [f"posConfig.{name}: to be given again, as {moved[0]} changes" for name in kept]
