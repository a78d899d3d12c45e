"""How an org's accounts at its POS and at its loyalty provider are reached: one HTTP session of
each, and one token cache, per instance."""

from collections.abc import Callable
from datetime import datetime

from pydantic import Field

from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.loyalty.port import LoyaltyProvider, OpenProvider, ProviderSettings
from shared.outbound.secrets import SecretResolver, read_secret
from shared.outbound.session import HttpSession, HttpSettings
from shared.outbound.tokens import TokenCache
from shared.pos.config import Location, with_secrets
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.pos.registry import open_account

LOYALTY_ATTEMPTS = 3


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


class LoyaltyProviderSettings(FunctionSettings):
    """Seconds to wait for an answer of the loyalty provider."""

    alpine_read_seconds: float = Field(default=10, gt=0)


def loyalty_opener(settings: LoyaltyProviderSettings) -> OpenProvider:
    """Makes the client of an account, its secrets resolved."""
    http = HttpSession(
        HttpSettings(read_seconds=settings.alpine_read_seconds, attempts=LOYALTY_ATTEMPTS)
    )
    secrets = SecretResolver(read_secret, settings.google_cloud_project)

    def open_provider(
        account: ProviderSettings, admit: Callable[[], None], deadline: datetime
    ) -> LoyaltyProvider:
        return account.open(http, secrets, admit=admit, deadline=deadline)

    return open_provider
