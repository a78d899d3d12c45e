"""The port to a loyalty provider: how many points a customer has there."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.domain.rate_limit import Limit
from shared.outbound.credentials import SecretResolver
from shared.outbound.session import HttpSession

UNKNOWN_CONTACT = ProviderAnswer(ProviderStatus.NO_CONTACT)


class LoyaltyProvider(Protocol):
    """An org's account at a provider, ready to be called."""

    def look_up(self, phone: str | None, email: str | None) -> ProviderAnswer:
        """What the provider knows of a customer, by phone (E.164), then by e-mail: FOUND, HIDDEN or
        NO_CONTACT. No call where there is neither. Raises OrgError where the org must act,
        ProviderError, RetryLater where the deadline leaves no time, and what ``admit`` raises."""


class ProviderSettings(Protocol):
    """An org's account at a provider, as configured. Secrets may be references."""

    @property
    def user_id(self) -> str:
        """The provider's id of the account."""

    @property
    def rate_limit_id(self) -> str:
        """Id of the rate limit that all calls to the account share."""

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Calls that may be made; none for no limit."""

    def open(
        self,
        org_id: str,
        http: HttpSession,
        secrets: SecretResolver,
        *,
        admit: Callable[[], None],
        deadline: datetime | None = None,
    ) -> LoyaltyProvider:
        """The org's account with its secrets resolved; nothing is called yet. ``admit`` is called
        before each try of a call and returns once the rate limit allows it; calls give up at
        ``deadline`` (aware UTC). Raises ConfigurationInvalid for a secret that cannot be read,
        and for an address that is not the provider's."""


OpenProvider = Callable[[ProviderSettings, str, Callable[[], None], datetime], LoyaltyProvider]
"""``ProviderSettings.open`` with session and secrets given: settings, the org's id, ``admit``,
``deadline``."""
