"""``GET /api/settings``: an org's settings without its secrets, for its staff."""

from dataclasses import asdict
from datetime import date
from typing import Literal

from shared.domain.loyalty import LoyaltyRules
from shared.loyalty.alpine_iq import AlpineIqSettings
from shared.services.reads.settings import SettingsReads, StoredSettings, without_user
from shared.store.tenants import SyncSettings
from shared.web.auth import Rule
from shared.web.request import NoBody, OrgQuery
from shared.web.response import CHECKED, ResponseModel, RouteReply
from shared.web.routing import RouteCall, RouteTable


class LocationSettingsView(ResponseModel):
    """A location. ``fields`` are those of ``posConfig`` that are no secret, ``secrets`` whether
    each is set, ``unknown`` the names there that mean nothing, ``problem`` what is not valid.
    ``version`` is to be sent with a change."""

    id: str
    version: str
    name: str | None = None
    timezone: str | None = None
    fields: dict[str, str | int | float | bool]
    secrets: dict[str, bool]
    unknown: list[str]
    problem: str | None = None


class SyncSettingsView(ResponseModel):
    """How the org is synced; ``markups`` are factors on cost by category."""

    orders_since: date
    lookback_days: int
    max_delete_percent: float
    deleted_customers: Literal["keep", "mark", "erase"] = "mark"
    markups: dict[str, float]


class TierView(ResponseModel):
    """A level of the programme, reached at ``threshold`` points."""

    id: str
    name: str
    threshold: int
    color: str


class LoyaltySettingsView(ResponseModel):
    """The loyalty programme; ``discrepancyThreshold`` is a share of the provider's figure."""

    points_per_dollar: float
    equity_multiplier: float
    discrepancy_threshold: float
    tiers: list[TierView]


class RateLimitView(ResponseModel):
    """Calls that the account may make; absent for no such limit."""

    per_second: int | None = None
    per_minute: int | None = None
    per_hour: int | None = None


class AlpineIqView(ResponseModel):
    """The org's account at Alpine IQ; its key is a secret."""

    user_id: str
    base_url: str
    rate_limit: RateLimitView | None = None
    secrets: dict[str, bool]


class AlertAddressView(ResponseModel):
    """An address that alerts go to: it is a secret, and is called by its id."""

    id: str
    service: str


class AlertSettingsView(ResponseModel):
    """Where alerts go, and of what else the org is notified."""

    addresses: list[AlertAddressView]
    notify: list[str]


class SettingsResponse(ResponseModel):
    """All settings of an org, with the defaults for what it lacks. A part that is not valid is
    absent, and ``problems`` says why. ``version`` is to be sent with a change of any part but the
    locations; absent where there are none yet."""

    org_id: str
    version: str | None = None
    name: str | None = None
    locations: list[LocationSettingsView]
    sync: SyncSettingsView | None = None
    loyalty_settings: LoyaltySettingsView | None = None
    alpine_iq: AlpineIqView | None = None
    alerts: AlertSettingsView
    warnings: list[str]
    problems: dict[str, str]


def routes(reads: SettingsReads, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/api/settings", OrgQuery, SettingsResponse, cached=CHECKED)
    def read_settings(call: RouteCall[OrgQuery, NoBody]) -> RouteReply:
        """The org's settings; of each secret only whether it is set."""
        return RouteReply(_view(call.org_id, reads(call.org_id)))

    return table


def _view(org_id: str, found: StoredSettings) -> SettingsResponse:
    return SettingsResponse(
        org_id=org_id,
        version=found.version,
        name=found.name,
        locations=[LocationSettingsView.model_validate(asdict(each)) for each in found.locations],
        sync=found.sync and _sync(found.sync),
        loyalty_settings=found.loyalty and _loyalty(found.loyalty),
        alpine_iq=found.alpine_iq and _alpine_iq(found.alpine_iq),
        alerts=AlertSettingsView(
            addresses=[AlertAddressView(**asdict(each)) for each in found.alert_addresses],
            notify=list(found.notify),
        ),
        warnings=list(found.warnings),
        problems=dict(found.problems),
    )


def _sync(settings: SyncSettings) -> SyncSettingsView:
    return SyncSettingsView.model_validate(settings.model_dump())


def _loyalty(rules: LoyaltyRules) -> LoyaltySettingsView:
    return LoyaltySettingsView.model_validate(asdict(rules))


def _alpine_iq(account: AlpineIqSettings) -> AlpineIqView:
    limit = account.rate_limit
    return AlpineIqView(
        user_id=account.user_id,
        base_url=without_user(str(account.base_url)),
        rate_limit=limit and RateLimitView.model_validate(limit.model_dump()),
        secrets={"apiKey": True},
    )
