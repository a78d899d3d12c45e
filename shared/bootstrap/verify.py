"""What stands behind ``functions/verify``."""

from functools import cache

from pydantic import Field

from shared.bootstrap.alerts import AlertSettings, alerts
from shared.bootstrap.clients import database
from shared.bootstrap.pos import PosSettings, pos_opener
from shared.bootstrap.settings import start
from shared.bus.messages import VerifyOrg
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.verification.nightly import NightlyVerification
from shared.services.verification.verify import Verify


class VerifySettings(PosSettings, AlertSettings):
    """Settings of ``verify``."""

    verify_seconds: float = Field(
        default=450,
        gt=0,
        description="Seconds that one invocation works: less than the function's time limit, by as "
        "much as its last calls may take.",
    )


@cache
def consumer() -> MessageConsumer[VerifyOrg]:
    """Handles requests to verify an org."""
    settings = start(VerifySettings)
    store = database(settings)
    open_pos = pos_opener(settings, store, settings.verify_seconds)
    verify = Verify(store, open_pos, utc_now, settings.verify_seconds)
    nightly = NightlyVerification(store, verify, alerts(settings, store), utc_now)
    return MessageConsumer("verify", VerifyOrg, lambda message, _: nightly(message), store, utc_now)
