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


class AreaView(ResponseModel):
    """A room or shelf in which stock lies; from one that is not ``sellable`` nothing is sold."""

    id: str
    name: str
    sellable: bool


class LocationView(ResponseModel):
    """A location; ``fields`` are those that the POS has, ``areas`` where its stock lies, as far as
    they are known."""

    id: str
    fields: dict[str, str | int | float | bool]
    areas: list[AreaView]


class LocationListView(ResponseModel):
    """``derived``: taken from the org's settings, because the POS has no such list."""

    items: list[LocationView]
    derived: bool
    updated_at: datetime | None


class MetadataCounts(ResponseModel):
    """How many there are of each kind; ``areas`` of all locations together."""

    brands: int
    categories: int
    vendors: int
    locations: int
    areas: int


class MetadataResponse(ResponseModel):
    """Every kind of metadata."""

    counts: MetadataCounts
    brands: NamedListView
    categories: NamedListView
    vendors: NamedListView
    locations: LocationListView


def routes(read: Read, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/metadata", OrgQuery, MetadataResponse, cached=Cached(seconds=300))
    def get_metadata(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """Brands, categories, vendors and locations, and how many there are."""
        stored = read(call.org_id)
        named = {kind: _named(stored[kind]) for kind in NAMED_KINDS}
        locations = _locations(stored[LOCATION])
        counts = MetadataCounts(
            **{kind: len(found.items) for kind, found in named.items()},
            locations=len(locations.items),
            areas=sum(len(each.areas) for each in locations.items),
        )
        return RouteReply(MetadataResponse(counts=counts, **named, locations=locations))

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
        LocationView(
            id=each["id"],
            fields={name: each[name] for name in PUBLIC_FIELDS if name in each},
            areas=each.get("areas", []),
        )
        for each in fields.get("items", ())
    ]
    return LocationListView(
        items=items,
        derived=bool(fields.get("derived")),
        updated_at=fields.get("updatedAt"),
    )
