"""From a location's settings to its account at a point of sale: one case for each provider."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from shared.clock import Clock
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.rotating import RotatingSecrets
from shared.outbound.session import HttpSession
from shared.pos.alleaves.api import AlleavesApi
from shared.pos.alleaves.client import AlleavesClient
from shared.pos.alleaves.writer import AlleavesWriter
from shared.pos.config import (
    REPLACED,
    AlleavesConfig,
    LightspeedConfig,
    Location,
    require_complete,
    secret_place,
)
from shared.pos.lightspeed.api import PROVIDER, LightspeedApi
from shared.pos.lightspeed.budget import CallBudget
from shared.pos.lightspeed.client import LightspeedClient
from shared.pos.lightspeed.oauth import OAuth
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient, PosWriter


class PosAccount(NamedTuple):
    """An account, to be read from and to be written to; without a ``writer`` where Sync Sam cannot
    do that."""

    client: PosClient
    writer: PosWriter | None


OpenBudget = Callable[[str], CallBudget]
"""The calls that one client of an account may make, by what tells the account from others."""


def open_account(
    location: Location,
    http: HttpSession,
    tokens: TokenCache,
    clock: Clock,
    paging: PageSettings | None = None,
    *,
    secrets: RotatingSecrets | None = None,
    budget: OpenBudget | None = None,
) -> PosAccount:
    """The account of the location's POS. Its secrets must be resolved; nothing is called yet.
    ``secrets`` keeps those that a provider replaces; without ``budget`` calls are not limited.
    Raises ConfigurationInvalid for an address that cannot be used, or where the settings lack what
    it takes to sign in."""
    check_settings(location, http.destinations)
    name = location.name or f"location {location.id}"
    match location.pos_config:
        case AlleavesConfig() as config:
            api = AlleavesApi(http, tokens, config, location_name=name, clock=clock)
            client = AlleavesClient(
                api,
                zone=location.zone,
                location_id=config.location_id,
                clock=clock,
                paging=paging,
            )
            return PosAccount(client, AlleavesWriter(api, client))
        case LightspeedConfig() as config:
            oauth = _oauth(location, config, http, tokens, clock, secrets)
            limit = budget(config.host) if budget else None
            retailer = LightspeedApi(http, config, location_name=name, oauth=oauth, budget=limit)
            reader = LightspeedClient(
                retailer,
                zone=location.zone,
                location_id=config.location_id,
                clock=clock,
                paging=replace(paging or PageSettings(), size=config.page_size),
            )
            return PosAccount(reader, None)


def check_settings(location: Location, destinations: Destinations) -> None:
    """Raises ConfigurationInvalid where no account can be opened with the location's settings: they
    lack what it takes to sign in, or name a host that is not the provider's."""
    require_complete(location)
    config = location.pos_config
    if config.base_url:
        place = secret_place(location, "base_url")
        destinations.require(config.provider, config.base_url, place)


def open_lightspeed(
    location: Location,
    config: LightspeedConfig,
    http: HttpSession,
    tokens: TokenCache,
    clock: Clock,
    secrets: RotatingSecrets,
) -> LightspeedApi:
    """A location's account at Lightspeed, its calls not limited; the rest as ``open_account``."""
    check_settings(location, http.destinations)
    name = location.name or f"location {location.id}"
    oauth = _oauth(location, config, http, tokens, clock, secrets)
    return LightspeedApi(http, config, location_name=name, oauth=oauth)


def _oauth(
    location: Location,
    config: LightspeedConfig,
    http: HttpSession,
    tokens: TokenCache,
    clock: Clock,
    secrets: RotatingSecrets | None,
) -> OAuth | None:
    """The account's OAuth; None where it has a personal token."""
    if config.token.get_secret_value():
        return None
    if secrets is None:
        raise ConfigurationInvalid(
            f"location {location.id} signs in with OAuth, which is not possible here: a refresh"
            " token could not be kept"
        )
    refresh_token = secrets.at(config.refresh_token, secret_place(location, REPLACED))
    return OAuth(http, tokens, config, refresh_token, provider=PROVIDER, clock=clock)
