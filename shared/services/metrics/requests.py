"""Reports of metrics on demand."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import structlog

from shared.bus.messages import ReportMetrics
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.errors import RateLimited, UnderWay
from shared.services.admin.audit import Actor, record_action
from shared.store import metrics
from shared.store.database import Database

LOST_AFTER = timedelta(hours=1)
"""A report that was begun longer ago is not under way: its message is lost."""
PAUSE = timedelta(minutes=1)
"""Between two reports of an org."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MetricsRequests:
    """Asks for reports."""

    database: Database
    metrics: Publisher
    clock: Clock

    def ask(self, org_id: str, actor: Actor) -> datetime:
        """Ask for a report as of now; that moment. Raises UnderWay while one is being made,
        and RateLimited within PAUSE of the last one."""
        now = self.clock().replace(microsecond=0)
        progress = metrics.read_progress(self.database, org_id).progress
        if progress.under_way and now < progress.under_way.since + LOST_AFTER:
            raise UnderWay("a report of this org's metrics is being made")
        if progress.as_of and (left := progress.as_of + PAUSE - now) > timedelta(0):
            raise RateLimited(
                "an org's metrics may be asked for once a minute",
                retry_after=ceil(left.total_seconds()),
            )
        record_action(
            self.database,
            actor,
            "metrics_started",
            org_id=org_id,
            target=metrics.date_of(now),
            now=now,
        )
        self.metrics.publish([ReportMetrics(org_id=org_id, as_of=now)])
        log.info("metrics_asked", org_id=org_id)
        return now
