"""What stands behind ``functions/org_sync``."""

from datetime import timedelta
from functools import cache

from pydantic import Field

from shared.admission import Admission
from shared.bootstrap.alerts import AlertSettings, alerts
from shared.bootstrap.clients import database
from shared.bootstrap.later import LaterSettings, later
from shared.bootstrap.pos import PosSettings, pos_opener
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import start
from shared.bus.messages import PosSync
from shared.clock import utc_now
from shared.entry import MessageConsumer
from shared.services.sync.dispatch import SyncDispatcher
from shared.services.sync.dry_run import DryRun
from shared.services.sync.org import OrgSync
from shared.services.sync.sales_refresh import SalesRefresh, SalesRefreshPlan
from shared.services.sync.targeted import TargetedSync

ROOM_MB = 160
"""What a run may take, in MiB: four of 100,000 orders take 40 each (`make bench`, many_orders), one
of a million more."""


class OrgSyncSettings(PosSettings, AlertSettings, LaterSettings):
    """Settings of ``org_sync``."""

    spending_topic: str = Field(description="Full name of the topic `spending`.")
    pos_sync_topic: str = Field(description="Full name of the topic `pos-sync`.")
    sync_seconds: float = Field(
        default=450,
        gt=0,
        description="Seconds that one invocation works: less than the function's time limit, by as "
        "much as its last calls may take.",
    )
    lease_seconds: float = Field(
        default=60,
        gt=0,
        description="How long a worker that fell silent keeps its org from others.",
    )


@cache
def consumer() -> MessageConsumer[PosSync]:
    """Handles requests to sync an org."""
    settings = start(OrgSyncSettings)
    store = database(settings)
    open_pos = pos_opener(settings, store, settings.sync_seconds)
    spending, pos_sync = publisher(settings.spending_topic), publisher(settings.pos_sync_topic)
    refreshes = SalesRefreshPlan(later(settings, settings.pos_sync_topic), utc_now)
    alarm = alerts(settings, store)
    sync = OrgSync(
        database=store,
        open_pos=open_pos,
        spending=spending,
        continuation=pos_sync,
        alerts=alarm,
        refreshes=refreshes,
        clock=utc_now,
        seconds=settings.sync_seconds,
        lease_ttl=timedelta(seconds=settings.lease_seconds),
    )
    targeted = TargetedSync(
        database=store,
        open_pos=open_pos,
        spending=spending,
        pos_sync=pos_sync,
        alerts=alarm,
        clock=utc_now,
        seconds=settings.sync_seconds,
        lease_ttl=timedelta(seconds=settings.lease_seconds),
    )
    dispatch = SyncDispatcher(
        sync,
        targeted,
        DryRun(store, open_pos, utc_now, settings.sync_seconds),
        SalesRefresh(store, refreshes, utc_now, timedelta(seconds=settings.lease_seconds)),
    )
    return MessageConsumer(
        "pos-sync",
        PosSync,
        lambda message, _: dispatch(message),
        store,
        utc_now,
        Admission(settings.memory_mb, room_mb=ROOM_MB),
    )
