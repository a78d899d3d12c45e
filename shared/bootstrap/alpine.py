"""How an org's account at Alpine IQ is reached: one HTTP session per instance."""

from collections.abc import Callable
from datetime import datetime

from pydantic import Field

from shared.bootstrap.settings import FunctionSettings
from shared.loyalty.alpine_iq import AlpineIq, AlpineIqSettings
from shared.outbound.secrets import SecretResolver, read_secret
from shared.outbound.session import HttpSession, HttpSettings

ATTEMPTS = 3


class AlpineSettings(FunctionSettings):
    """Seconds to wait for an answer of Alpine IQ."""

    alpine_read_seconds: float = Field(default=10, gt=0)


def opener(
    settings: AlpineSettings,
) -> Callable[[AlpineIqSettings, Callable[[], None], datetime], AlpineIq]:
    """Makes the client of an account, its key resolved."""
    http = HttpSession(HttpSettings(read_seconds=settings.alpine_read_seconds, attempts=ATTEMPTS))
    secrets = SecretResolver(read_secret, settings.google_cloud_project)

    def open_alpine(
        account: AlpineIqSettings, admit: Callable[[], None], deadline: datetime
    ) -> AlpineIq:
        key = secrets.text_of(account.api_key, f"alpineIq.apiKey of account {account.user_id}")
        resolved = account.model_copy(update={"api_key": key})
        return AlpineIq(http, resolved, admit=admit, deadline=deadline)

    return open_alpine
