"""``locations/{locationId}``: which orgs there are, and how to reach their POS.

``fleet/roster``: the orgs that the last tick asked for, at 8 bytes each: 100,000 fit in.
"""

import hashlib
import reprlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.cache import ExpiringCache
from shared.domain.ids import is_document_id, natural_key, org_id_spellings
from shared.domain.providers import PROVIDERS
from shared.domain.runs import NEW_FOR
from shared.errors import ConfigurationInvalid, UnknownOrg, at_fault
from shared.pos.config import (
    DEFAULT_TIMEZONE,
    STATUSES,
    Location,
    fields_at_fault,
    read_location,
    unknown_fields,
)
from shared.store import paths
from shared.store.database import (
    Database,
    Document,
    Fields,
    Filter,
    Put,
    Write,
    put_if_version,
)

ACTIVE: Filter = ("posConfig.status", "==", "active")
KNOWN_BY = ("orgId", "name", "posConfig.provider", "posConfig.status")
HASH_BYTES = 8
NEW_LIMIT = 2_000
"""New orgs in the roster at once."""
UNREACHED_LIMIT = 1_000
"""Locations of no known status that are looked at in one tick."""
ORGS_KEPT = 10_000
KEPT_SECONDS = 300.0
UNKNOWN_KEPT_SECONDS = 10.0
"""A new org is found after this long, if it was asked for before."""


def active_orgs(database: Database, org_id: str | None = None) -> list[str]:
    """Ids of the orgs with at least one active POS location, sorted; only ``org_id`` if given."""
    org_ids = None if org_id is None else [org_id]
    found = database.query_in(paths.LOCATIONS, "orgId", org_ids, ACTIVE, select=["orgId"])
    return sorted({str(d.fields["orgId"]) for d in found if d.fields.get("orgId")})


def active_among(database: Database, org_ids: Iterable[str]) -> set[str]:
    """Those of the orgs that have an active POS location."""
    found = database.query_in(paths.LOCATIONS, "orgId", org_ids, ACTIVE, select=["orgId"])
    return {str(document.fields["orgId"]) for document in found}


def active_since(database: Database, before: datetime, limit: int) -> dict[str, datetime]:
    """Orgs with a location that is active and was last changed before a moment, and since when;
    of ``limit`` active locations at most."""
    found = database.query(paths.LOCATIONS, ACTIVE, select=["orgId"], limit=limit)
    return {
        str(d.fields["orgId"]): d.version
        for d in found
        if d.version is not None and d.version < before and d.fields.get("orgId")
    }


@dataclass(frozen=True, slots=True)
class KnownOrg:
    """An org as its locations show it. ``name`` and ``provider`` are those of its first location
    that has one; ``active``: one of them is."""

    org_id: str
    name: str | None
    provider: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class ListedLocation:
    """A location as people know it. ``provider`` and ``status`` as they are stored, valid or not;
    None where they are no text."""

    id: str
    org_id: str
    name: str | None
    provider: str | None
    status: str | None


def listed(database: Database, org_id: str) -> list[ListedLocation]:
    """The org's locations. A read for each."""
    found = database.query(paths.LOCATIONS, ("orgId", "==", org_id), select=KNOWN_BY)
    return list(map(_listed, found))


def documents_of(database: Database, org_id: str) -> list[Document]:
    """The documents of the org's locations, as they are stored, by id."""
    found = database.query(paths.LOCATIONS, ("orgId", "==", org_id))
    return sorted(found, key=lambda document: document.id)


def known_by(org_id: str, own: Iterable[ListedLocation]) -> KnownOrg | None:
    """The org whose locations those are; None where there are none."""
    own = list(own)
    if not own:
        return None
    return KnownOrg(
        org_id,
        next((each.name for each in own if each.name), None),
        next((each.provider for each in own if each.provider in PROVIDERS), None),
        any(each.status == "active" for each in own),
    )


def known_orgs(database: Database, org_ids: Sequence[str]) -> dict[str, KnownOrg]:
    """Those of the orgs that have a location, by id. A read for each location."""
    found = database.query_in(paths.LOCATIONS, "orgId", org_ids, select=KNOWN_BY)
    return {each.org_id: each for each in _by_org(found)}


def orgs_after(database: Database, org_id: str, limit: int) -> tuple[list[KnownOrg], str | None]:
    """The orgs whose ids follow, by id, as far as ``limit`` locations show them; the last of them
    where there may be more."""
    found = list(
        database.query(
            paths.LOCATIONS,
            ("orgId", ">", org_id),
            select=KNOWN_BY,
            order_by=[("orgId", "ASCENDING")],
            limit=limit,
        )
    )
    orgs = [each for each in _by_org(found) if is_document_id(each.org_id)]
    return orgs, str(found[-1].fields["orgId"]) if len(found) == limit else None


def _by_org(found: Iterable[Document]) -> Iterable[KnownOrg]:
    """The orgs of these locations, in their order."""
    by_org: dict[str, list[ListedLocation]] = {}
    for location in map(_listed, found):
        by_org.setdefault(location.org_id, []).append(location)
    return (org for each, own in by_org.items() if (org := known_by(each, own)))


def _listed(location: Document) -> ListedLocation:
    config = settings_of(location.fields)

    def text(value: object) -> str | None:
        return value if isinstance(value, str) and value else None

    return ListedLocation(
        location.id,
        str(location.fields["orgId"]),
        text(location.fields.get("name")),
        text(config.get("provider")),
        text(config.get("status")),
    )


def unreached(database: Database, active: Collection[str]) -> list[str]:
    """The orgs that a tick for all does not reach though somebody means it to, sorted: those with
    a location whose status is none that there is, and that are not ``active``. A run of theirs
    tells them why."""
    found = database.query(
        paths.LOCATIONS,
        ("posConfig.status", "not-in", list(STATUSES)),
        select=["orgId"],
        limit=UNREACHED_LIMIT,
    )
    named = {str(d.fields["orgId"]) for d in found if d.fields.get("orgId")}
    return sorted(org for org in named - set(active) if is_document_id(org))


@dataclass(frozen=True, slots=True)
class ConfiguredLocations:
    """An org's locations: those that are active, by id; why the others are not; and sentences about
    settings that cannot be meant as they are. ``providers``: those of its active locations, in
    their order, or of its inactive ones where none is active. ``invalid``: what is wrong with the
    active locations of a provider, the first of each; by None of those whose provider is not
    known."""

    active: list[Location]
    inactive: list[str]
    warnings: list[str]
    providers: list[str]
    invalid: dict[str | None, ConfigurationInvalid]

    def of(self, provider: str) -> list[Location]:
        """The active locations of a provider. Raises ConfigurationInvalid naming field and
        location where any of them, or one whose provider is not known, is not valid: without it
        records of others would seem to be gone."""
        for wrong in (self.invalid.get(None), self.invalid.get(provider)):
            if wrong:
                raise wrong
        return [each for each in self.active if each.pos_config.provider == provider]


def configured(database: Database, org_id: str) -> ConfiguredLocations:
    """The org's locations."""
    found = ConfiguredLocations([], [], [], [], {})
    inactive: list[str] = []
    for document in documents_of(database, org_id):
        config = settings_of(document.fields)
        status, provider = config.get("status"), _provider(config)
        if status != "active":
            why = _why_inactive(document.id, config)
            found.inactive.append(why)
            if provider:
                inactive.append(provider)
            if config and status not in STATUSES:
                found.warnings.append(f"Not synced: {why}.")
            continue
        if provider and provider not in found.providers:
            found.providers.append(provider)
        try:
            location = _read(document, config)
        except ConfigurationInvalid as error:
            found.invalid.setdefault(provider, error)
            continue
        if location.unknown:
            wrong = fields_at_fault(location.unknown)
            found.warnings.append(
                f"Ignored in the POS settings of location {document.id}: {wrong}."
            )
        found.active.append(location)
    if not (found.active or found.invalid):
        found.providers.extend(dict.fromkeys(inactive))
    return found


def _provider(config: Fields) -> str | None:
    """The provider that POS settings name; None where there is none of that name."""
    provider = config.get("provider")
    return provider if provider in PROVIDERS else None


def _read(document: Document, config: Fields) -> Location:
    try:
        return read_location(document.id, document.fields)
    except ValidationError as error:
        wrong = fields_at_fault(unknown_fields(config), at_fault(error, tags=PROVIDERS))
        raise ConfigurationInvalid(
            f"the POS settings of location {document.id} are not valid: {wrong}"
        ) from None


def _why_inactive(location_id: str, config: Fields) -> str:
    if not config:
        return f"location {location_id} has no posConfig"
    status = config.get("status")
    if status is None:
        wrong = fields_at_fault(unknown_fields(config), "posConfig.status is missing")
        return f"location {location_id}: {wrong}"
    if status in STATUSES:
        return f"posConfig.status of location {location_id} is {status}"
    said = reprlib.repr(status)
    return f"location {location_id}: posConfig.status {said} is none of {', '.join(STATUSES)}"


def document(database: Database, location_id: str) -> Document:
    """The document of that location, which need not exist."""
    return database.get(f"{paths.LOCATIONS}/{location_id}")


def put(location_id: str, fields: Fields, before: Fields, version: datetime | None) -> Write:
    """The write for a location whose fields were ``before`` at a version; None: it must not exist
    yet."""
    removed = dict.fromkeys(before.keys() - fields.keys())
    return put_if_version(f"{paths.LOCATIONS}/{location_id}", {**removed, **fields}, version)


def zones(database: Database, org_id: str) -> dict[str, ZoneInfo]:
    """Time zone of each of the org's locations, by the POS's location id; without those that name
    an unknown one. What a location's settings lack is as the POS says."""
    fields = ["timezone", "posConfig.locationId"]
    named: dict[str, Any] = {}
    for document in database.query(paths.LOCATIONS, ("orgId", "==", org_id), select=fields):
        named[str(settings_of(document.fields).get("locationId"))] = document.fields.get("timezone")
    if None in named.values() or "None" in named:
        stored = database.get(f"{paths.metadata(org_id)}/location").fields.get("items", ())
        for each in stored:
            if named.get(each["id"]) is None:
                named[each["id"]] = each.get("timezone")
    known: dict[str, ZoneInfo] = {}
    for location_id, name in named.items():
        with suppress(KeyError, ValueError, TypeError, OSError):
            known[location_id] = ZoneInfo(name or DEFAULT_TIMEZONE)
    return known


def zone_of(database: Database, org_id: str) -> ZoneInfo:
    """The org's time zone: that of its first location by the POS's id."""
    known = zones(database, org_id)
    first = min(known, key=natural_key, default=None)
    return ZoneInfo(DEFAULT_TIMEZONE) if first is None else known[first]


def settings_of(location: Fields) -> Fields:
    """The POS settings in a location's document; none where they are not a map."""
    config = location.get("posConfig")
    return config if isinstance(config, dict) else {}


@dataclass(frozen=True, slots=True)
class Roster:
    """The orgs that the schedule knows. ``ticked_at``: the last tick that asked for all orgs.
    ``recent``: orgs known for less than NEW_FOR, and since when. ``known``: a hash of each org."""

    ticked_at: datetime
    recent: Mapping[str, datetime]
    known: frozenset[bytes]


def read_roster(database: Database) -> Roster | None:
    """The roster; None before the first tick. One read."""
    fields = database.get(paths.ROSTER).fields
    if not fields:
        return None
    packed: bytes = fields["known"]
    starts = range(0, len(packed), HASH_BYTES)
    known = frozenset(packed[start : start + HASH_BYTES] for start in starts)
    return Roster(fields["tickedAt"], fields["recent"], known)


def last_tick(database: Database) -> datetime | None:
    """When the schedule last asked for all orgs; None where it never has. One read."""
    found = database.get_all([paths.ROSTER], ["tickedAt"])[paths.ROSTER]
    ticked_at: datetime | None = found.fields.get("tickedAt")
    return ticked_at


def put_roster(before: Roster | None, org_ids: Sequence[str], now: datetime) -> Put:
    """The write after a tick that asked for these orgs."""
    hashes = {i: hashlib.blake2b(i.encode(), digest_size=HASH_BYTES).digest() for i in org_ids}
    recent: dict[str, datetime] = {}
    for org_id, digest in hashes.items():
        since = before.recent.get(org_id) if before and digest in before.known else now
        if since is not None and now - since < NEW_FOR and len(recent) < NEW_LIMIT:
            recent[org_id] = since
    fields = {"tickedAt": now, "recent": recent, "known": b"".join(sorted(hashes.values()))}
    return Put(paths.ROSTER, fields)


def require_known(database: Database, org_id: str) -> None:
    """Raises UnknownOrg where neither a tenant document nor a location, of any status, names the
    org."""
    tenant = paths.tenant(org_id)
    if database.get_all([tenant], ["name"])[tenant].exists:
        return
    named = ("orgId", "==", org_id)
    if not list(database.query(paths.LOCATIONS, named, select=["orgId"], limit=1)):
        raise UnknownOrg(org_id)


class OrgDirectory:
    """Finds orgs by any spelling of their id. Those found are kept for KEPT_SECONDS, that there is
    none for UNKNOWN_KEPT_SECONDS."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._found = ExpiringCache[str, str](ORGS_KEPT, monotonic)
        self._unknown = ExpiringCache[str, bool](ORGS_KEPT, monotonic)

    def __call__(self, org_id: str) -> str | None:
        """The id as stored, None where there is no such org: neither a tenant nor a location. An
        org of that very id takes precedence over one of another spelling."""
        if self._unknown.get(org_id):
            return None
        kept = self._found.get(org_id)
        if kept is not None:
            return kept
        found = self._look_up(org_id)
        if found is None:
            self._unknown.put(org_id, UNKNOWN_KEPT_SECONDS, True)
            return None
        return self._found.put(org_id, KEPT_SECONDS, found)

    def _look_up(self, org_id: str) -> str | None:
        names = org_id_spellings(org_id)
        if not names:
            return None
        tenants = self._database.get_all([paths.tenant(name) for name in names], ["name"])
        stored = {document.id for document in tenants.values() if document.exists}
        if org_id not in stored:
            same_org = ("orgId", "in", list(names))
            locations = self._database.query(paths.LOCATIONS, same_org, select=["orgId"])
            stored |= {str(document.fields["orgId"]) for document in locations}
        return next((name for name in names if name in stored), None)
