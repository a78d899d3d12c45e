"""What stands behind ``functions/loyalty_reconcile``."""

from datetime import timedelta
from functools import cache

from pydantic import Field

from shared.admission import Admission
from shared.bootstrap.alerts import AlertSettings, alerts
from shared.bootstrap.clients import database
from shared.bootstrap.later import LaterSettings, later
from shared.bootstrap.loyalty import LoyaltyProviderSettings, loyalty_opener
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import start
from shared.bus.messages import Loyalty
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.loyalty.reconcile import LoyaltyReconcile

ROOM_MB = 64
"""What a run of a large org may need: each of its customers' state takes some 600 bytes."""


class LoyaltyReconcileSettings(AlertSettings, LaterSettings, LoyaltyProviderSettings):
    """Settings of ``loyalty_reconcile``."""

    loyalty_topic: str = Field(description="Full name of the topic `loyalty`.")
    loyalty_seconds: float = Field(
        default=450,
        gt=0,
        description="Seconds that one invocation works: less than the function's time limit, by as "
        "much as its last calls may take.",
    )
    loyalty_window_seconds: float = Field(
        default=6 * 3600,
        gt=0,
        description="Seconds from its start that a loyalty run, with all its continuations, asks "
        "the provider.",
    )
    lease_seconds: float = Field(
        default=60,
        gt=0,
        description="How long a worker that fell silent keeps its org from others.",
    )


@cache
def consumer() -> MessageConsumer[Loyalty]:
    """Handles requests to bring an org's points up to date."""
    settings = start(LoyaltyReconcileSettings)
    store = database(settings)
    reconcile = LoyaltyReconcile(
        database=store,
        open_provider=loyalty_opener(settings),
        alerts=alerts(settings, store),
        continuation=publisher(settings.loyalty_topic),
        later=later(settings, settings.loyalty_topic),
        clock=utc_now,
        seconds=settings.loyalty_seconds,
        window=timedelta(seconds=settings.loyalty_window_seconds),
        lease_ttl=timedelta(seconds=settings.lease_seconds),
    )
    return MessageConsumer(
        "loyalty",
        Loyalty,
        lambda message, received: reconcile(message, received.id),
        store,
        utc_now,
        Admission(settings.memory_mb, room_mb=ROOM_MB),
    )
