"""What stands behind ``functions/org_sync``."""

from datetime import timedelta
from functools import cache

from pydantic import Field

from shared.bootstrap import pos
from shared.bootstrap.alerts import AlertSettings, alerts
from shared.bootstrap.clients import database, publisher
from shared.bootstrap.settings import start
from shared.bus.messages import PosSync
from shared.clock import utc_now
from shared.entry import Consumer
from shared.services.sync.org import OrgSync


class Settings(pos.PosSettings, AlertSettings):
    """Settings of ``org_sync``. ``sync_seconds`` stays below the function's own time limit;
    ``lease_seconds`` is how long a worker that fell silent keeps its org from others."""

    spending_topic: str
    pos_sync_topic: str
    sync_seconds: float = Field(default=450, gt=0)
    lease_seconds: float = Field(default=60, gt=0)


@cache
def consumer() -> Consumer[PosSync]:
    """Handles requests to sync an org."""
    settings = start(Settings)
    store = database(settings.google_cloud_project)
    sync = OrgSync(
        database=store,
        open_pos=pos.opener(settings),
        spending=publisher(settings.spending_topic),
        continuation=publisher(settings.pos_sync_topic),
        alerts=alerts(settings, store),
        clock=utc_now,
        seconds=settings.sync_seconds,
        lease_ttl=timedelta(seconds=settings.lease_seconds),
    )
    return Consumer(
        topic="pos-sync",
        model=PosSync,
        handle=lambda message, _: sync(message),
        database=store,
        clock=utc_now,
    )
