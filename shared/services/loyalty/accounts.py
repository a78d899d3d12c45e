"""An org's account at Alpine IQ: from its settings to a client that may be called."""

import time
from collections.abc import Callable
from datetime import datetime

from shared.clock import Clock
from shared.errors import OrgError
from shared.loyalty.alpine_iq import AlpineIq
from shared.loyalty.settings import AlpineIqSettings
from shared.services.loyalty.permits import Permits
from shared.store.database import Database
from shared.store.loyalty_settings import TenantLoyalty

OpenAlpine = Callable[[AlpineIqSettings, Callable[[], None], datetime], AlpineIq]
"""A client from the account, what admits a call, and the moment at which calls give up. Raises
ConfigurationInvalid for a key that cannot be read."""


def account_of(org: TenantLoyalty) -> tuple[AlpineIqSettings | None, OrgError | None]:
    """The org's account, or what is wrong with it; neither where it has none."""
    try:
        return org.alpine_iq(), None
    except OrgError as error:
        return None, error


def permits_of(
    database: Database,
    account: AlpineIqSettings,
    *,
    until: datetime,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
) -> Permits:
    """Leave to call the account until a moment, within its rate limit."""
    return Permits(
        database,
        f"alpine_iq-{account.user_id}",
        account.rate_limit.limits if account.rate_limit else (),
        until=until,
        clock=clock,
        sleep=sleep,
    )
