"""``/api/metadata``: brands, categories, vendors and locations, for the staff of an org."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.domain.metadata import NAMED_KINDS, PUBLIC_FIELDS
from shared.store.metadata import LOCATION
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery
from shared.web.response import Cached, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable

Read = Callable[[str], Mapping[str, Mapping[str, Any]]]
"""From an org's id to the stored fields of each kind."""


class NamedView(ResponseModel):
    """A brand, category or vendor; without an id if only the menu names it."""

    name: str
    id: str | None = None


class NamedListView(ResponseModel):
    """``derived``: taken from the menu, because the POS has no such list."""

    items: list[NamedView]
    derived: bool
    updated_at: datetime | None


class LocationView(ResponseModel):
    """A location; ``fields`` are those that the POS has."""

    id: str
    fields: dict[str, str | int | float | bool]


class LocationListView(ResponseModel):
    """``derived``: taken from the org's settings, because the POS has no such list."""

    items: list[LocationView]
    derived: bool
    updated_at: datetime | None


class MetadataResponse(ResponseModel):
    """Every kind of metadata."""

    brands: NamedListView
    categories: NamedListView
    vendors: NamedListView
    locations: LocationListView


def routes(read: Read, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/metadata", OrgQuery, MetadataResponse, cached=Cached(seconds=300))
    def get_metadata(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """Brands, categories, vendors and locations."""
        stored = read(call.org_id)
        named = {kind: _named(stored[kind]) for kind in NAMED_KINDS}
        return RouteReply(MetadataResponse(**named, locations=_locations(stored[LOCATION])))

    return table


def _named(fields: Mapping[str, Any]) -> NamedListView:
    items = [NamedView(name=each["name"], id=each.get("id")) for each in fields.get("items", ())]
    return NamedListView(
        items=items,
        derived=bool(fields.get("derived")),
        updated_at=fields.get("updatedAt"),
    )


def _locations(fields: Mapping[str, Any]) -> LocationListView:
    items = [
        LocationView(id=each["id"], fields={n: each[n] for n in PUBLIC_FIELDS if n in each})
        for each in fields.get("items", ())
    ]
    return LocationListView(
        items=items,
        derived=bool(fields.get("derived")),
        updated_at=fields.get("updatedAt"),
    )
