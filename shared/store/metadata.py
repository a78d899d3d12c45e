"""``tenants/{orgId}/metadata/{brands,categories,vendors,location}``."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from shared.domain.metadata import NAMED_KINDS, PUBLIC_FIELDS, NamedEntry, PublicLocation
from shared.store import paths
from shared.store.database import Database, Fields, Put

LOCATION = "location"
KINDS = (*NAMED_KINDS, LOCATION)

_OWNED = ("items", "derived", "orgId", "updatedAt")
_FORMER = ("license",)
"""Fields of a location that earlier versions wrote."""


def names(found: Iterable[NamedEntry], org_id: str, *, derived: bool) -> dict[str, Any]:
    """Brands, categories or vendors as stored; ``derived`` from the menu because the POS did not
    list them."""
    items = [{"id": e.id, "name": e.name} if e.id else {"name": e.name} for e in found]
    return {"items": items, "orgId": org_id} | ({"derived": True} if derived else {})


def locations(found: Sequence[PublicLocation], org_id: str, *, derived: bool) -> dict[str, Any]:
    """The locations as stored: all of them, and the first one's fields beside."""
    items = [{"id": each.id, **each.fields, **_areas(each)} for each in found]
    first = items[0] if items else {}
    return {**first, "items": items, "orgId": org_id} | ({"derived": True} if derived else {})


def _areas(place: PublicLocation) -> dict[str, Any]:
    areas = [{"id": a.id, "name": a.name, "sellable": a.sellable} for a in place.areas]
    return {"areas": areas} if areas else {}


def put(org_id: str, kind: str, fields: Fields, *, now: datetime) -> Put:
    """The write for one kind."""
    owned = (*_OWNED, "id", "areas", *PUBLIC_FIELDS, *_FORMER) if kind == LOCATION else _OWNED
    path = f"{paths.metadata(org_id)}/{kind}"
    return Put(path, {**fields, "updatedAt": now}, owned=owned)


def read_all(database: Database, org_id: str) -> dict[str, Fields]:
    """What is stored of each kind; nothing where a kind was never synced."""
    where = {f"{paths.metadata(org_id)}/{kind}": kind for kind in KINDS}
    found = database.get_all(list(where))
    return {kind: found[path].fields for path, kind in where.items()}
