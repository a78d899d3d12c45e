"""``/orgs/{orgId}/settings``: what an org is synced with, and whom alerts go to."""

from typing import Literal, NamedTuple

from shared.console.pages.parameters import PageParams
from shared.console.rendering import HTML, Console
from shared.domain.notifications import KINDS
from shared.domain.providers import LABELS
from shared.pos.config import DEFAULT_TIMEZONE
from shared.web.auth import Rule
from shared.web.request import NoBody
from shared.web.response import RouteReply
from shared.web.routes.orgs import OrgStatusResponse
from shared.web.routes.settings import SettingsResponse
from shared.web.routing import RouteCall, RouteTable

BLANK_TIERS = 2
"""Rows for further levels of the loyalty programme."""


DELETED_CUSTOMERS = {
    "keep": "Kept as they are",
    "mark": "Kept, but marked as removed",
    "erase": "Erased for good",
}
"""What may become of customers whom the POS has deleted, as people choose it."""


class AccountField(NamedTuple):
    """A field of ``posConfig`` as people are asked for it. ``options``: the values that it may
    have."""

    name: str
    label: str
    hint: str = ""
    kind: Literal["text", "secret", "number", "choice"] = "text"
    options: tuple[str, ...] = ()


_EVERYWHERE = (
    AccountField("baseUrl", "Address of the API", "Left blank, the provider's own."),
    AccountField(
        "webhookSecret",
        "Webhook secret",
        "What webhooks of this location are signed with.",
        "secret",
    ),
)
ACCOUNT_FIELDS: dict[str, tuple[AccountField, ...]] = {
    "alleaves": (
        AccountField("username", "User name"),
        AccountField("password", "Password", kind="secret"),
        AccountField("pin", "PIN", kind="secret"),
        AccountField("locationId", "Location at Alleaves", "Its id there."),
        AccountField("apiKey", "API key", "In place of user name, password and PIN.", "secret"),
        AccountField("apiKeyHeader", "Header of the API key", "Left blank: Authorization."),
        AccountField(
            "apiStyle", "Style of the API", "Left blank: search.", "choice", ("search", "rest")
        ),
        *_EVERYWHERE,
        AccountField("storeId", "Store id", "Of other programs."),
        AccountField("environment", "Environment", "Of other programs."),
    ),
    "lightspeed": (
        AccountField("domainPrefix", "Domain prefix", "The first part of …retail.lightspeed.app."),
        AccountField("token", "Personal token", kind="secret"),
        AccountField("locationId", "Outlet", "Its id there; left blank, all outlets."),
        AccountField("clientId", "OAuth client id", "Without a personal token."),
        AccountField("clientSecret", "OAuth client secret", kind="secret"),
        AccountField("refreshToken", "OAuth refresh token", kind="secret"),
        AccountField("apiVersion", "Version of the API", "Left blank: 2.0."),
        AccountField("pageSize", "Rows of a page", "1 to 1,000; left blank: 500.", "number"),
        *_EVERYWHERE,
    ),
}
"""By provider, in the order in which people are asked. The status has buttons of its own."""


def routes(console: Console, staff: Rule) -> RouteTable:
    """``staff`` is the rule for the staff of an org."""
    table = RouteTable(staff)

    @table.get("/orgs/{orgId}/settings", PageParams, HTML)
    def show_settings(call: RouteCall[PageParams, NoBody]) -> RouteReply:
        """An org's settings, each part with the form that changes it."""
        reader, org_id = console.reader(call), call.org_id
        return console.page(
            call,
            "settings.html",
            title="Settings",
            section="settings",
            settings=reader.get("/api/settings", SettingsResponse, orgId=org_id),
            health=reader.get("/api/orgs/{orgId}/status", OrgStatusResponse, orgId=org_id),
            fields=ACCOUNT_FIELDS,
            providers=LABELS,
            notices=KINDS,
            blank_tiers=BLANK_TIERS,
            deleted_customers=DELETED_CUSTOMERS,
            usual_zone=DEFAULT_TIMEZONE,
        )

    return table
