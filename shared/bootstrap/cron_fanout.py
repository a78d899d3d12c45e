"""What stands behind ``functions/cron_fanout``."""

from collections.abc import Callable
from functools import cache

from pydantic import Field

from shared.bootstrap.alerts import AlertSettings, alerts
from shared.bootstrap.clients import database
from shared.bootstrap.later import LaterSettings, later
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import start
from shared.bus.messages import CronTick, Message
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.fan_out import (
    Chosen,
    FanOut,
    Schedule,
    SyncFanOut,
    loyalty_message,
    metrics_message,
    segments_message,
    sync_message,
    verify_message,
)
from shared.services.spending.requests import OutstandingSpending
from shared.services.verification.nightly import Turns
from shared.services.watchdog import Watchdog


class CronFanoutSettings(AlertSettings, LaterSettings):
    """Settings of ``cron_fanout``."""

    pos_sync_topic: str = Field(description="Full name of the topic `pos-sync`.")
    loyalty_topic: str = Field(description="Full name of the topic `loyalty`.")
    metrics_topic: str = Field(description="Full name of the topic `metrics`.")
    segments_topic: str = Field(description="Full name of the topic `segments`.")
    spending_topic: str = Field(description="Full name of the topic `spending`.")
    verify_topic: str = Field(description="Full name of the topic `verify`.")


@cache
def consumer() -> MessageConsumer[CronTick]:
    """Handles ticks of the schedule."""
    settings = start(CronFanoutSettings)
    store = database(settings)
    spending, alarms = publisher(settings.spending_topic), alerts(settings, store)
    watchdog = Watchdog(
        store, alarms, utc_now, OutstandingSpending(store, alarms, spending, utc_now)
    )

    def fan_out(
        topic: str, message: Callable[[str, str], Message], choose: Chosen = list
    ) -> FanOut:
        return FanOut(store, publisher(topic), later(settings, topic), utc_now, message, choose)

    schedule = Schedule(
        {
            "pos-sync": SyncFanOut(store, fan_out(settings.pos_sync_topic, sync_message), utc_now),
            "segments": fan_out(settings.segments_topic, segments_message),
            "loyalty": fan_out(settings.loyalty_topic, loyalty_message),
            "weekly-metrics": fan_out(settings.metrics_topic, metrics_message(utc_now)),
            "verify": fan_out(
                settings.verify_topic, verify_message(utc_now), Turns(store, utc_now)
            ),
            "watchdog": lambda tick, _: watchdog(tick),
        }
    )
    return MessageConsumer(
        "cron-tick", CronTick, lambda tick, received: schedule(tick, received.id), store, utc_now
    )
