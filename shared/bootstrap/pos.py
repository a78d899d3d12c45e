"""How a POS account is reached: one HTTP session, one token cache per instance."""

from collections.abc import Callable

from pydantic import Field, SecretStr

from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.outbound.credentials import SecretResolver, TokenCache, read_secret
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import Location, SignIn, with_fallback, with_secrets
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.pos.registry import PosAccount, open_account


class PosSettings(FunctionSettings):
    """Limits of the calls to a POS: pages in flight per listing, seconds to wait for an answer.
    And what of an account at Alleaves stands in for settings that lack it; as in the settings, a
    secret may be ``secret:NAME``."""

    pos_concurrency: int = Field(default=8, ge=1, le=64)
    pos_read_seconds: float = Field(default=30, gt=0)
    alleaves_username: str = ""
    alleaves_password: SecretStr = SecretStr("")
    alleaves_pin: SecretStr = SecretStr("")


def pos_opener(settings: PosSettings) -> Callable[[Location], PosClient]:
    """Makes the client of a location's account, its secrets resolved."""
    open_resolved = account_opener(settings, HttpSettings(read_seconds=settings.pos_read_seconds))
    return lambda location: open_resolved(location).client


def account_opener(settings: PosSettings, limits: HttpSettings) -> Callable[[Location], PosAccount]:
    """Opens a location's account, its secrets resolved; ``limits`` are those of its calls."""
    http = HttpSession(limits)
    tokens = TokenCache(utc_now)
    secrets = SecretResolver(read_secret, settings.google_cloud_project)
    paging = PageSettings(in_flight=settings.pos_concurrency)
    fallback = SignIn(settings.alleaves_username, settings.alleaves_password, settings.alleaves_pin)

    def open_resolved(location: Location) -> PosAccount:
        resolved = with_secrets(with_fallback(location, fallback), secrets)
        return open_account(resolved, http, tokens, utc_now, paging=paging)

    return open_resolved
