"""How a POS account is reached: one HTTP session, one token cache per instance."""

from collections.abc import Callable

from pydantic import Field

from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.outbound.credentials import SecretResolver, TokenCache, read_secret
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import Location, with_secrets
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.pos.registry import open_account


class PosSettings(FunctionSettings):
    """Limits of the calls to a POS: pages in flight per listing, seconds to wait for an answer."""

    pos_concurrency: int = Field(default=8, ge=1, le=64)
    pos_read_seconds: float = Field(default=30, gt=0)


def pos_opener(settings: PosSettings) -> Callable[[Location], PosClient]:
    """Makes the client of a location's account, its secrets resolved."""
    http = HttpSession(HttpSettings(read_seconds=settings.pos_read_seconds))
    tokens = TokenCache(utc_now)
    secrets = SecretResolver(read_secret, settings.google_cloud_project)
    paging = PageSettings(in_flight=settings.pos_concurrency)

    def open_pos(location: Location) -> PosClient:
        resolved = with_secrets(location, secrets)
        return open_account(resolved, http, tokens, utc_now, paging=paging).client

    return open_pos
