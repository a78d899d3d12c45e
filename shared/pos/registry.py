"""From a location's settings to its account at a point of sale: one case for each provider."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.clock import Clock
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import TokenCache
from shared.outbound.rotating import RotatingSecrets
from shared.outbound.session import HttpSession
from shared.pos.alleaves.api import AlleavesApi
from shared.pos.alleaves.client import AlleavesClient
from shared.pos.alleaves.writer import AlleavesWriter
from shared.pos.config import AlleavesConfig, LightspeedConfig, Location, require_complete
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
    check_settings(location)
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
            oauth = _oauth(location.id, config, http, tokens, clock, secrets)
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


def check_settings(location: Location) -> None:
    """Raises ConfigurationInvalid where no account can be opened with the location's settings: they
    lack what it takes to sign in, or name an address that is none."""
    require_complete(location)
    base_url = location.pos_config.base_url
    if base_url and not _is_web_address(base_url):
        name = location.name or f"location {location.id}"
        raise ConfigurationInvalid(f"The base URL in the POS settings of {name} is not valid.")


def open_lightspeed(
    location: Location,
    config: LightspeedConfig,
    http: HttpSession,
    tokens: TokenCache,
    clock: Clock,
    secrets: RotatingSecrets,
) -> LightspeedApi:
    """A location's account at Lightspeed, its calls not limited; the rest as ``open_account``."""
    require_complete(location)
    name = location.name or f"location {location.id}"
    oauth = _oauth(location.id, config, http, tokens, clock, secrets)
    return LightspeedApi(http, config, location_name=name, oauth=oauth)


def _oauth(
    location_id: str,
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
            f"location {location_id} signs in with OAuth, which is not possible here: a refresh"
            " token could not be kept"
        )
    where = f"posConfig.refreshToken of location {location_id}"
    refresh_token = secrets.named_by(config.refresh_token, where)
    return OAuth(http, tokens, config, refresh_token, provider=PROVIDER, clock=clock)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        more = parts.username or parts.password or parts.query or parts.fragment or parts.port == 0
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not more
    except ValueError:
        return False
