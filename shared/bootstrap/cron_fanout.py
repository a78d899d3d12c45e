"""What stands behind ``functions/cron_fanout``."""

from functools import cache

from shared.bootstrap.clients import database, publisher
from shared.bootstrap.settings import FunctionSettings, start
from shared.bus.messages import CronTick
from shared.clock import utc_now
from shared.entry import Consumer
from shared.services.fan_out import FanOut


class Settings(FunctionSettings):
    """Settings of ``cron_fanout``."""

    pos_sync_topic: str


@cache
def consumer() -> Consumer[CronTick]:
    """Handles ticks of the schedule."""
    settings = start(Settings)
    store = database(settings.google_cloud_project)
    fan_out = FanOut(store, publisher(settings.pos_sync_topic))
    return Consumer(
        topic="cron-tick",
        model=CronTick,
        handle=lambda tick, received: fan_out(tick, received.id),
        database=store,
        clock=utc_now,
    )
