"""Ticks of the schedule: each runs its job, most of which publish one message per org."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from shared.bus.messages import CronTick, Loyalty, PosSync
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.errors import InvalidMessage
from shared.store import locations
from shared.store.database import Database

Job = Callable[[CronTick, str], None]
"""Handles a tick. The second argument is the tick's id, the same at redelivery."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Runs the job that a tick names."""

    jobs: Mapping[str, Job]

    def __call__(self, tick: CronTick, tick_id: str) -> None:
        """Run the job. Raises InvalidMessage for an unknown one."""
        job = self.jobs.get(tick.job)
        if job is None:
            raise InvalidMessage(f"there is no job {tick.job}")
        job(tick, tick_id)


@dataclass(frozen=True, slots=True)
class SyncFanOut:
    """Requests a sync of each org with an active POS location."""

    database: Database
    pos_sync: Publisher
    clock: Clock

    def __call__(self, tick: CronTick, tick_id: str) -> None:
        """Fan a tick out; its redelivery requests the same runs. An org that the tick is meant for
        and does not reach gets a run too, whose failure says why. The roster is updated, from which
        the watchdog knows that the schedule is alive."""
        orgs = active_orgs(self.database, tick)
        told = locations.unreached(self.database, tick.org_id, orgs)
        self.pos_sync.publish(
            PosSync(org_id=org, run_id=run_id(tick_id, org), trigger="cron")
            for org in [*orgs, *told]
        )
        if tick.org_id is None:
            before = locations.read_roster(self.database)
            self.database.commit([locations.put_roster(before, orgs, self.clock())])
        log.info("tick_fanned_out", job=tick.job, orgs=len(orgs), unreached=len(told))


@dataclass(frozen=True, slots=True)
class LoyaltyFanOut:
    """Requests a loyalty run of each org with an active POS location."""

    database: Database
    loyalty: Publisher

    def __call__(self, tick: CronTick, tick_id: str) -> None:
        """Fan a tick out; its redelivery requests the same runs."""
        orgs = active_orgs(self.database, tick)
        self.loyalty.publish(Loyalty(org_id=org, run_id=run_id(tick_id, org)) for org in orgs)
        log.info("tick_fanned_out", job=tick.job, orgs=len(orgs))


def active_orgs(database: Database, tick: CronTick) -> list[str]:
    """The orgs with an active POS location that a tick is about. Raises InvalidMessage where it
    names an unknown org."""
    orgs = locations.active_orgs(database, tick.org_id)
    if tick.org_id is not None and not orgs:
        locations.require_known(database, tick.org_id)
    return orgs


def run_id(tick_id: str, org_id: str) -> str:
    """Id of the run that a tick requests for an org: the same for every delivery of the tick."""
    return "cron-" + hashlib.blake2b(f"{tick_id}/{org_id}".encode(), digest_size=10).hexdigest()
