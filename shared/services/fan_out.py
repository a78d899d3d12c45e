"""One message per org: what a tick of the schedule becomes."""

import hashlib
from dataclasses import dataclass

import structlog

from shared.bus.messages import CronTick, PosSync
from shared.bus.publisher import Publisher
from shared.store import locations
from shared.store.database import Database

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FanOut:
    """Publishes, for each org that a job concerns, the message that does it."""

    database: Database
    pos_sync: Publisher

    def __call__(self, tick: CronTick, tick_id: str) -> None:
        """Fan a tick out. ``tick_id`` names the tick: its redelivery asks for the same runs."""
        orgs = locations.active_orgs(self.database, tick.org_id)
        self.pos_sync.publish(
            PosSync(org_id=org, run_id=run_id(tick_id, org), trigger="cron") for org in orgs
        )
        log.info("tick_fanned_out", job=tick.job, orgs=len(orgs))


def run_id(tick_id: str, org_id: str) -> str:
    """Id of the run that a tick asks for in an org: the same for every delivery of the tick."""
    return "cron-" + hashlib.blake2b(f"{tick_id}/{org_id}".encode(), digest_size=10).hexdigest()
