"""What stands behind ``functions/cron_fanout``."""

from functools import cache

from pydantic import Field

from shared.bootstrap.clients import AlertSettings, alerts, database, publisher
from shared.bootstrap.settings import start
from shared.bus.messages import CronTick
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.fan_out import LoyaltyFanOut, Schedule, SyncFanOut
from shared.services.spending.requests import OutstandingSpending
from shared.services.spending.scores import Ageing
from shared.services.watchdog import Watchdog


class CronFanoutSettings(AlertSettings):
    """Settings of ``cron_fanout``; ``ageing_seconds`` as ``sync_seconds`` of ``org_sync``."""

    pos_sync_topic: str
    loyalty_topic: str
    cron_tick_topic: str
    spending_topic: str
    ageing_seconds: float = Field(default=450, gt=0)


@cache
def consumer() -> MessageConsumer[CronTick]:
    """Handles ticks of the schedule."""
    settings = start(CronFanoutSettings)
    store = database(settings.google_cloud_project)
    spending, alarms = publisher(settings.spending_topic), alerts(settings, store)
    watchdog = Watchdog(
        store, alarms, utc_now, OutstandingSpending(store, alarms, spending, utc_now)
    )
    schedule = Schedule(
        {
            "pos-sync": SyncFanOut(store, publisher(settings.pos_sync_topic), utc_now),
            "segments": Ageing(
                store,
                ticks=publisher(settings.cron_tick_topic),
                spending=spending,
                clock=utc_now,
                seconds=settings.ageing_seconds,
            ),
            "loyalty": LoyaltyFanOut(store, publisher(settings.loyalty_topic)),
            "watchdog": lambda tick, _: watchdog(tick),
        }
    )
    return MessageConsumer(
        "cron-tick", CronTick, lambda tick, received: schedule(tick, received.id), store, utc_now
    )
