"""``tenants/{orgId}/metadata/{brands,categories,vendors,location}``."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.domain.metadata import NAMED_KINDS, PUBLIC_FIELDS, NamedEntry, PublicLocation
from shared.store import paths
from shared.store.database import Database, Put
from shared.store.documents import Field, Schema

LOCATION = "location"
KINDS = (*NAMED_KINDS, LOCATION)

NAMES = Schema[Iterable[NamedEntry]](
    Field("items", lambda found: [_named(each) for each in found]),
    given=("orgId", "derived"),
    stamps=("updatedAt",),
)
"""``derived``: from the menu, because the POS did not list them."""

LOCATIONS = Schema[Sequence[PublicLocation]](
    Field("items", lambda found: [_located(each) for each in found]),
    given=("orgId", "derived", "id", *PUBLIC_FIELDS),
    stamps=("updatedAt",),
)
"""All locations, and the first one's fields beside ``items``."""


def names(found: Iterable[NamedEntry], org_id: str, *, derived: bool) -> dict[str, Any]:
    """Brands, categories or vendors as stored."""
    return NAMES.fields(found, orgId=org_id, derived=derived or None)


def locations(found: Sequence[PublicLocation], org_id: str, *, derived: bool) -> dict[str, Any]:
    """The locations as stored."""
    first = _located(found[0]) if found else {}
    return LOCATIONS.fields(found, orgId=org_id, derived=derived or None, **first)


def put(org_id: str, kind: str, fields: Mapping[str, Any], *, now: datetime) -> Put:
    """The write for one kind."""
    whole = {**fields, "updatedAt": now}
    path = f"{paths.metadata(org_id)}/{kind}"
    return LOCATIONS.put(path, whole) if kind == LOCATION else NAMES.put(path, whole)


def read_all(database: Database, org_id: str) -> dict[str, Mapping[str, Any]]:
    """What is stored of each kind; nothing where a kind was never synced."""
    where = {f"{paths.metadata(org_id)}/{kind}": kind for kind in KINDS}
    found = database.get_all(list(where))
    return {kind: found[path].fields for path, kind in where.items()}


def _named(entry: NamedEntry) -> dict[str, str]:
    return {"id": entry.id, "name": entry.name} if entry.id else {"name": entry.name}


def _located(location: PublicLocation) -> dict[str, object]:
    return {"id": location.id, **location.fields}
