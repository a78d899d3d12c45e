"""The one place that builds clients and puts the services together, once per instance."""

from functools import cache
from typing import TypeVar

from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import PublisherClient

from shared import log
from shared.bus.messages import ComputeSpending, CronTick, PosSync
from shared.bus.publisher import Publisher
from shared.clock import utc_now
from shared.entry import Consumer
from shared.pos import registry
from shared.services.dead_letters import RecordDeadLetter
from shared.services.fan_out import FanOut
from shared.services.spending import ComputeSpendings
from shared.services.sync.org import OrgSync
from shared.settings import (
    CronFanoutSettings,
    FunctionSettings,
    OrgSyncSettings,
    SpendingSettings,
)
from shared.store.database import Database

S = TypeVar("S", bound=FunctionSettings)


@cache
def cron_fanout() -> Consumer[CronTick]:
    """The service behind ``functions/cron_fanout``."""
    settings = _start(CronFanoutSettings)
    fan_out = FanOut(_database(settings), _publisher(settings.pos_sync_topic))
    return Consumer(
        topic="cron-tick",
        model=CronTick,
        handle=lambda tick, received: fan_out(tick, received.id),
        database=_database(settings),
        clock=utc_now,
    )


@cache
def org_sync() -> Consumer[PosSync]:
    """The service behind ``functions/org_sync``."""
    settings = _start(OrgSyncSettings)
    sync = OrgSync(
        database=_database(settings),
        open_pos=registry.opener(concurrency=settings.pos_concurrency),
        spending=_publisher(settings.spending_topic),
        continuation=_publisher(settings.pos_sync_topic),
        clock=utc_now,
        seconds=settings.sync_seconds,
        lease_ttl=settings.lease_ttl,
    )
    return Consumer(
        topic="pos-sync",
        model=PosSync,
        handle=lambda message, _: sync(message),
        database=_database(settings),
        clock=utc_now,
    )


@cache
def spending() -> Consumer[ComputeSpending]:
    """The service behind ``functions/spending``."""
    settings = _start(SpendingSettings)
    compute = ComputeSpendings(_database(settings), _publisher(settings.spending_topic), utc_now)
    return Consumer(
        topic="spending",
        model=ComputeSpending,
        handle=lambda message, _: compute(message),
        database=_database(settings),
        clock=utc_now,
    )


@cache
def dead_letter() -> RecordDeadLetter:
    """The service behind ``functions/dead_letter``."""
    return RecordDeadLetter(_database(_start(FunctionSettings)), utc_now)


def _start(model: type[S]) -> S:
    settings = model()
    log.configure(settings.log_level)
    return settings


@cache
def _database(settings: FunctionSettings) -> Database:
    return Database(Client(project=settings.google_cloud_project))


@cache
def _publisher_client() -> PublisherClient:
    return PublisherClient()


def _publisher(topic: str) -> Publisher:
    return Publisher(_publisher_client(), topic)
