"""From a location's settings to its account at a point of sale: one case for each provider."""

from typing import NamedTuple
from urllib.parse import urlsplit

from shared.clock import Clock
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import TokenCache
from shared.outbound.session import HttpSession
from shared.pos.alleaves.api import AlleavesApi
from shared.pos.alleaves.client import AlleavesClient
from shared.pos.alleaves.writer import AlleavesWriter
from shared.pos.config import AlleavesConfig, LightspeedConfig, Location, require_complete
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient, PosWriter


class PosAccount(NamedTuple):
    """An account, to be read from and to be written to."""

    client: PosClient
    writer: PosWriter


def open_account(
    location: Location,
    http: HttpSession,
    tokens: TokenCache,
    clock: Clock,
    paging: PageSettings | None = None,
) -> PosAccount:
    """The account of the location's POS. Its secrets must be resolved; nothing is called yet.
    Raises ConfigurationInvalid for a provider or address that cannot be used, or where the settings
    lack what it takes to sign in."""
    require_complete(location)
    name = location.name or f"location {location.id}"
    match location.pos_config:
        case AlleavesConfig() as config:
            if config.base_url and not _is_web_address(config.base_url):
                raise ConfigurationInvalid(
                    f"The base URL in the POS settings of {name} is not valid."
                )
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
            raise ConfigurationInvalid(
                f"The POS provider {config.provider} of {name} is not supported yet."
            )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        more = parts.username or parts.password or parts.query or parts.fragment or parts.port == 0
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not more
    except ValueError:
        return False
