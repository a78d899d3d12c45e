"""How an org's account at its loyalty provider is reached: one HTTP session per instance."""

from collections.abc import Callable
from datetime import datetime

from pydantic import Field

from shared.bootstrap.secrets import SecretSettings
from shared.loyalty.port import LoyaltyProvider, OpenProvider, ProviderSettings
from shared.outbound.session import HttpSession, HttpSettings

ATTEMPTS = 3


class LoyaltyProviderSettings(SecretSettings):
    """How a loyalty provider is asked."""

    alpine_read_seconds: float = Field(
        default=10, gt=0, description="Seconds to wait for an answer of Alpine IQ."
    )


def loyalty_opener(settings: LoyaltyProviderSettings) -> OpenProvider:
    """Makes the client of an account, its secrets resolved."""
    limits = HttpSettings(read_seconds=settings.alpine_read_seconds, attempts=ATTEMPTS)
    http = HttpSession(limits, settings.destinations)
    secrets = settings.resolver()

    def open_provider(
        account: ProviderSettings, org_id: str, admit: Callable[[], None], deadline: datetime
    ) -> LoyaltyProvider:
        return account.open(org_id, http, secrets, admit=admit, deadline=deadline)

    return open_provider
