"""``tenants/{orgId}/metadata/{brands,categories,vendors,location}``: of all the org's providers.

The items of a provider other than Alleaves name it. Each provider's sync replaces its own items and
leaves the others as they are (``beside``). ``derivedAt``: the providers whose items are derived
from the menu, where these are not Alleaves alone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from shared.domain.metadata import NAMED_KINDS, PUBLIC_FIELDS, NamedEntry, PublicLocation
from shared.domain.providers import ALLEAVES
from shared.store import paths
from shared.store.database import Database, Fields, Put

LOCATION = "location"
KINDS = (*NAMED_KINDS, LOCATION)

_OWNED = ("items", "derived", "derivedAt", "orgId", "updatedAt")
_FORMER = ("license",)
"""Fields of a location that earlier versions wrote."""


def names(
    found: Iterable[NamedEntry], org_id: str, provider: str, *, derived: bool
) -> dict[str, Any]:
    """A provider's brands, categories or vendors as stored; ``derived`` from the menu because the
    POS did not list them."""
    items = [{"id": e.id, "name": e.name} if e.id else {"name": e.name} for e in found]
    return _document(items, org_id, provider, derived=derived)


def locations(
    found: Sequence[PublicLocation], org_id: str, provider: str, *, derived: bool
) -> dict[str, Any]:
    """The locations at a provider as stored: all of them, and the first one's fields beside."""
    items = [{"id": each.id, **each.fields, **_areas(each)} for each in found]
    first = items[0] if items else {}
    return {**first, **_document(items, org_id, provider, derived=derived)}


def _document(
    items: list[dict[str, Any]], org_id: str, provider: str, *, derived: bool
) -> dict[str, Any]:
    if provider != ALLEAVES:
        items = [{**item, "provider": provider} for item in items]
    fields: dict[str, Any] = {"items": items, "orgId": org_id}
    if derived:
        fields |= {"derived": True} | ({} if provider == ALLEAVES else {"derivedAt": [provider]})
    return fields


def beside(kind: str, fields: Fields, stored: Fields, provider: str) -> Fields:
    """A provider's fields of a kind, together with what is ``stored`` of others: Alleaves first."""
    kept = [item for item in stored.get("items", ()) if _whose(item) != provider]
    if not kept:
        return fields
    items = sorted([*kept, *fields["items"]], key=_whose)
    first = {n: v for n, v in items[0].items() if n != "provider"} if kind == LOCATION else {}
    whole = {**first, "items": items, "orgId": fields["orgId"]}
    derived = sorted({*_derived_at(stored)} - {provider} | {*_derived_at(fields)})
    if derived:
        whole |= {"derived": True} | ({} if derived == [ALLEAVES] else {"derivedAt": derived})
    return whole


def _whose(item: Fields) -> str:
    return str(item.get("provider", ALLEAVES))


def _derived_at(fields: Fields) -> Sequence[str]:
    return fields.get("derivedAt") or [ALLEAVES] * bool(fields.get("derived"))


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
