"""``/api/admin/locations`` and ``/api/admin/settings``: an org's settings, tried and changed."""

from typing import Annotated

from pydantic import Field, JsonValue

from shared.errors import NotFound, RateLimited
from shared.services.admin.connection import ConnectionResult, TriedCall, TryConnection
from shared.services.admin.drafts import LocationChange
from shared.services.admin.locations import (
    ChangedMeanwhile,
    LocationSettings,
    SavedLocation,
)
from shared.services.admin.settings import OrgSettings, SettingsChange
from shared.services.manual_sync import ManualSync, RunUnderWay, SyncRequest
from shared.web.auth import Rule
from shared.web.request import NoParams, Params, RecordId
from shared.web.response import ResponseModel, RouteReply
from shared.web.routes.admin import OrgBody
from shared.web.routes.audit import actor_of
from shared.web.routes.runs import status_url
from shared.web.routing import RouteCall, RouteTable

Text = Annotated[str, Field(max_length=1_000)]
Version = Annotated[str, Field(min_length=1, max_length=60)]
SettingsPart = dict[Annotated[str, Field(max_length=60)], JsonValue] | None
Addresses = Annotated[tuple[Text, ...], Field(max_length=20)]


class LocationPath(Params):
    """A location."""

    location_id: RecordId


class LocationBody(OrgBody):
    """A location's settings. A field that is null is removed. Secrets are text, which is
    sealed, or ``secret:NAME`` of the org's own."""

    name: Annotated[str, Field(max_length=200)] | None = None
    timezone: Annotated[str, Field(max_length=60)] | None = None
    pos_config: dict[Annotated[str, Field(max_length=60)], Text | bool | int | None] = Field(
        default_factory=dict
    )

    @property
    def change(self) -> LocationChange:
        """The fields that were given."""
        given = {"name": self.name, "timezone": self.timezone}
        named = {name: each for name, each in given.items() if name in self.model_fields_set}
        return LocationChange(named, self.pos_config)


class NewLocationBody(LocationBody):
    """A new location, under an id of the caller's choice or another."""

    location_id: RecordId | None = None


class ChangedLocationBody(LocationBody):
    """What is to change; fields left out keep their value. ``version`` is that of the location as
    it was shown: if somebody else has changed it since, nothing is."""

    version: Version


class TriedLocationBody(LocationBody):
    """Settings to be tried, nothing of which is kept. With ``locationId`` what they lack is as it
    is stored."""

    location_id: RecordId | None = None


class SettingsBody(OrgBody):
    """The parts of the settings that are to change. Fields of a part that are left out keep their
    value, one that is null is removed, as is a part that is null. ``version`` is that of the
    settings as they were shown, left out where there were none. ``removeAlertUrls`` are ids of
    addresses."""

    version: Version | None = None
    sync: SettingsPart = None
    loyalty_settings: SettingsPart = None
    alpine_iq: SettingsPart = None
    alerts: SettingsPart = None
    add_alert_urls: Addresses = ()
    remove_alert_urls: Addresses = ()

    @property
    def change(self) -> SettingsChange:
        """What was given."""
        parts = {
            str(type(self).model_fields[name].alias): getattr(self, name)
            for name in ("sync", "loyalty_settings", "alpine_iq", "alerts")
            if name in self.model_fields_set
        }
        return SettingsChange(parts, self.add_alert_urls, self.remove_alert_urls)


class SavedResponse(ResponseModel):
    """The settings were stored, and have this version now."""

    org_id: str
    location_id: str | None = None
    version: str
    run_id: str | None = None
    status_url: str | None = None


class TriedCallView(ResponseModel):
    """One thing that was asked of the POS, and how long that took. ``problem`` says in words what
    failed, ``owner`` whose turn it is. ``rows`` are those of a list's first page."""

    name: str
    ok: bool
    milliseconds: int
    rows: int | None = None
    code: str | None = None
    owner: str | None = None
    problem: str | None = None


class PosLocationView(ResponseModel):
    """A location that the account has."""

    id: str
    name: str | None = None
    timezone: str | None = None


class ConnectionResponse(ResponseModel):
    """Whether a sync could do its work, and what the POS said. ``locationIds`` and ``timezone`` are
    those that a sync would take."""

    ok: bool
    provider: str
    calls: list[TriedCallView]
    location_ids: list[str]
    timezone: str | None = None
    locations: list[PosLocationView]


class TestedAddressView(ResponseModel):
    """What came of a test to one address, by its id."""

    id: str
    service: str
    accepted: bool
    problem: str | None = None


class AlertTestResponse(ResponseModel):
    """What came of a test, for each of the org's addresses."""

    addresses: list[TestedAddressView]


def location_routes(
    locations: LocationSettings, connection: TryConnection, sync: ManualSync, staff: Rule
) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.post(
        "/api/admin/locations",
        NoParams,
        NewLocationBody,
        (201, SavedResponse),
        errors=[ChangedMeanwhile],
    )
    def add(call: RouteCall[NoParams, NewLocationBody]) -> RouteReply:
        """Add a location to an org."""
        asked = call.body
        saved = locations.add(call.org_id, asked.change, actor_of(call), asked.location_id)
        return RouteReply(_saved(call.org_id, saved), status=201)

    @table.post(
        "/api/admin/locations/test",
        NoParams,
        TriedLocationBody,
        ConnectionResponse,
        errors=[NotFound],
    )
    def test(call: RouteCall[NoParams, TriedLocationBody]) -> RouteReply:
        """Try settings at the POS, without storing anything."""
        found = connection(call.org_id, call.body.change, call.body.location_id)
        return RouteReply(connection_view(found))

    @table.post(
        "/api/admin/locations/{locationId}",
        LocationPath,
        ChangedLocationBody,
        SavedResponse,
        errors=[NotFound, ChangedMeanwhile],
    )
    def change(call: RouteCall[LocationPath, ChangedLocationBody]) -> RouteReply:
        """Change a location."""
        asked, location_id = call.body, call.params.location_id
        saved = locations.change(
            call.org_id, location_id, asked.change, asked.version, actor_of(call)
        )
        return RouteReply(_saved(call.org_id, saved))

    @table.post(
        "/api/admin/locations/{locationId}/pause",
        LocationPath,
        OrgBody,
        SavedResponse,
        errors=[NotFound, ChangedMeanwhile],
    )
    def pause(call: RouteCall[LocationPath, OrgBody]) -> RouteReply:
        """Have a location not synced any more."""
        saved = locations.set_status(call.org_id, call.params.location_id, "paused", actor_of(call))
        return RouteReply(_saved(call.org_id, saved))

    @table.post(
        "/api/admin/locations/{locationId}/resume",
        LocationPath,
        OrgBody,
        SavedResponse,
        errors=[NotFound, ChangedMeanwhile],
    )
    def resume(call: RouteCall[LocationPath, OrgBody]) -> RouteReply:
        """Have a location synced again, now: also one whose sync rests as the POS refused its
        credentials."""
        actor = actor_of(call)
        saved = locations.set_status(call.org_id, call.params.location_id, "active", actor)
        try:
            run_id = sync.start(SyncRequest(call.org_id, requested_by=actor.uid), actor)
        except RunUnderWay as error:
            run_id = error.run_id
        except RateLimited:
            return RouteReply(_saved(call.org_id, saved))
        return RouteReply(_saved(call.org_id, saved, run_id))

    return table


def settings_routes(settings: OrgSettings, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.post(
        "/api/admin/settings", NoParams, SettingsBody, SavedResponse, errors=[ChangedMeanwhile]
    )
    def change(call: RouteCall[NoParams, SettingsBody]) -> RouteReply:
        """Change an org's settings of its sync, loyalty programme and alerts."""
        asked = call.body
        version = settings.change(call.org_id, asked.change, asked.version, actor_of(call))
        return RouteReply(SavedResponse(org_id=call.org_id, version=version))

    @table.post("/api/admin/alerts/test", NoParams, OrgBody, AlertTestResponse)
    def test(call: RouteCall[NoParams, OrgBody]) -> RouteReply:
        """Send a test to each of the org's alert addresses."""
        tested = settings.test_alerts(call.org_id, actor_of(call))
        views = [
            TestedAddressView(
                id=each.id, service=each.service, accepted=each.accepted, problem=each.problem
            )
            for each in tested
        ]
        return RouteReply(AlertTestResponse(addresses=views))

    return table


def _saved(org_id: str, saved: SavedLocation, run_id: str | None = None) -> SavedResponse:
    return SavedResponse(
        org_id=org_id,
        location_id=saved.location_id,
        version=saved.version,
        run_id=run_id,
        status_url=status_url(org_id, run_id) if run_id else None,
    )


def connection_view(found: ConnectionResult) -> ConnectionResponse:
    """What came of a trial, as it is answered."""
    return ConnectionResponse(
        ok=found.ok,
        provider=found.provider,
        calls=[_call(each) for each in found.calls],
        location_ids=list(found.location_ids),
        timezone=found.timezone,
        locations=[
            PosLocationView(
                id=each.id,
                name=_text(each.fields.get("name")),
                timezone=_text(each.fields.get("timezone")),
            )
            for each in found.locations
        ],
    )


def _call(tried: TriedCall) -> TriedCallView:
    return TriedCallView(
        name=tried.name,
        ok=tried.problem is None,
        milliseconds=tried.milliseconds,
        rows=tried.rows,
        code=tried.code,
        owner=tried.owner,
        problem=tried.problem,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
