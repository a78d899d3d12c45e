"""How an org's account at its loyalty provider is reached: one HTTP session per instance."""

from collections.abc import Callable
from datetime import datetime

from pydantic import Field

from shared.bootstrap.settings import FunctionSettings
from shared.loyalty.port import LoyaltyProvider, OpenProvider, ProviderSettings
from shared.outbound.credentials import SecretResolver, read_secret
from shared.outbound.session import HttpSession, HttpSettings

ATTEMPTS = 3


class LoyaltyProviderSettings(FunctionSettings):
    """Seconds to wait for an answer of the loyalty provider."""

    alpine_read_seconds: float = Field(default=10, gt=0)


def loyalty_opener(settings: LoyaltyProviderSettings) -> OpenProvider:
    """Makes the client of an account, its secrets resolved."""
    http = HttpSession(HttpSettings(read_seconds=settings.alpine_read_seconds, attempts=ATTEMPTS))
    secrets = SecretResolver(read_secret, settings.google_cloud_project)

    def open_provider(
        account: ProviderSettings, admit: Callable[[], None], deadline: datetime
    ) -> LoyaltyProvider:
        return account.open(http, secrets, admit=admit, deadline=deadline)

    return open_provider
