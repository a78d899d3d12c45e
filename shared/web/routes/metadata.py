"""``/api/metadata``: brands, categories, vendors and locations, for the org's own staff."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.domain.metadata import NAMED_KINDS, PUBLIC_FIELDS
from shared.store.metadata import LOCATION
from shared.web.fields import OrgId
from shared.web.reply import Answer, Reply
from shared.web.route import Cached, Call, NoBody, Params, Route
from shared.web.rules import Rule

Read = Callable[[str], Mapping[str, Mapping[str, Any]]]
"""What is stored of each kind, by org."""


class MetadataQuery(Params):
    """Whose."""

    org_id: OrgId


class NamedView(Answer):
    """A brand, category or vendor; without an id where only the menu names it."""

    name: str
    id: str | None = None


class NamedList(Answer):
    """``derived``: from the menu, because the POS did not tell. Empty where nothing is known."""

    items: list[NamedView]
    derived: bool
    updated_at: datetime | None


class LocationView(Answer):
    """A location; ``fields`` as far as the POS gives them."""

    id: str
    fields: dict[str, str | int | float | bool]


class LocationList(Answer):
    """``derived``: from the org's own settings, because the POS did not tell."""

    items: list[LocationView]
    derived: bool
    updated_at: datetime | None


class MetadataAnswer(Answer):
    """What surrounds the catalogue."""

    brands: NamedList
    categories: NamedList
    vendors: NamedList
    locations: LocationList


def routes(read: Read, staff: Rule) -> tuple[Route[Any, Any], ...]:
    """``staff`` is the rule for those who work for the org."""

    def get(call: Call[MetadataQuery, NoBody]) -> Reply:
        stored = read(call.org_id)
        named = {kind: _named(stored[kind]) for kind in NAMED_KINDS}
        return Reply(MetadataAnswer(**named, locations=_locations(stored[LOCATION])))

    return (
        Route(
            method="GET",
            path="/api/metadata",
            rule=staff,
            summary="Brands, categories, vendors and locations.",
            params=MetadataQuery,
            body=NoBody,
            answers=[(200, MetadataAnswer)],
            handler=get,
            cached=Cached(seconds=300),
        ),
    )


def _named(fields: Mapping[str, Any]) -> NamedList:
    items = [NamedView(name=each["name"], id=each.get("id")) for each in fields.get("items", ())]
    return NamedList(
        items=items,
        derived=bool(fields.get("derived")),
        updated_at=fields.get("updatedAt"),
    )


def _locations(fields: Mapping[str, Any]) -> LocationList:
    items = [
        LocationView(id=each["id"], fields={n: each[n] for n in PUBLIC_FIELDS if n in each})
        for each in fields.get("items", ())
    ]
    return LocationList(
        items=items,
        derived=bool(fields.get("derived")),
        updated_at=fields.get("updatedAt"),
    )
