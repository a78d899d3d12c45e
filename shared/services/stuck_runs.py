"""Runs whose worker stopped without a word and that nobody took up again."""

from datetime import datetime

import structlog

from shared.domain.watch import SILENT_AFTER, is_stuck
from shared.services.alerts import Alerts
from shared.services.sync import ending
from shared.store import lease as leases
from shared.store import paths, runs
from shared.store.database import Conflict, Database

STUCK = "run_stuck"

log = structlog.get_logger(__name__)


def close_stuck_runs(
    database: Database, alerts: Alerts, only: str | None, now: datetime, limit: int
) -> int:
    """End the runs that hang, of all orgs or ``only`` of one, and tell people; how many ended.

    A run that moves after all keeps what it writes: it is only ended as it was read.
    """
    suspects = [
        each
        for each in runs.unended(database, now - SILENT_AFTER, limit)
        if only in (None, each.org_id)
    ]
    held = leases.look(database, sorted({paths.lease(each.org_id) for each in suspects}))
    ended = 0
    for each in suspects:
        lease = held[paths.lease(each.org_id)]
        if not is_stuck(each.run.state, each.run.started_at, each.run_id, lease, now):
            continue
        try:
            ending.close_stuck(database, each, now, latest=lease.run_id == each.run_id)
        except Conflict:
            log.info("run_moves_after_all", org_id=each.org_id, run_id=each.run_id)
            continue
        ended += 1
        log.error("run_stuck", org_id=each.org_id, run_id=each.run_id)
        alerts.raise_(
            each.org_id,
            STUCK,
            "A sync hung and was ended",
            f"Run {each.run_id}, begun at {each.run.started_at:%Y-%m-%d %H:%M} UTC, had no worker"
            " any more. The next scheduled run is made all the same.",
        )
    return ended
