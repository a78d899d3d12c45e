"""Ticks of the schedule: each runs its job, most of which publish one message per org.

A tick that is to be spread has each org's message published at the org's own moment, by one Cloud
Task for each of at most SLICES moments: all at once they would fill the instances of the function,
and each refusal for want of one counts as a delivery. Which orgs are due is decided when the tick
is handled. Whether one still is, is its run's to decide, which reads the org's locations first: the
message may wait in a queue far longer than the tick is spread.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.bus.later import LaterPublisher
from shared.bus.messages import (
    AgeSegments,
    CronTick,
    Loyalty,
    Message,
    PosSync,
    ReportMetrics,
    VerifyOrg,
)
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.ids import is_document_id
from shared.domain.spread import spread
from shared.errors import InvalidMessage
from shared.store import locations
from shared.store.database import Database

Chosen = Callable[[list[str]], list[str]]
"""Those of the active orgs that a tick of all is about."""
Job = Callable[[CronTick, str], object]
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
class FanOut:
    """Publishes a message for each org with an active POS location. ``message`` makes it from the
    org's id and the tick's; ``choose`` says which orgs' turn it is, where that is not all."""

    database: Database
    topic: Publisher
    later: LaterPublisher
    clock: Clock
    message: Callable[[str, str], Message]
    choose: Chosen = list

    def __call__(self, tick: CronTick, tick_id: str) -> list[str]:
        """Fan a tick out; the orgs that it is about. Its redelivery publishes the same messages, or
        none where they are published later. Raises InvalidMessage for an unknown org."""
        orgs = active_orgs(self.database, tick)
        if tick.org_id is None:
            orgs = self.choose(orgs)
        if tick.org_id is not None and not orgs:
            log.warning("tick_reaches_nobody", job=tick.job, org_id=tick.org_id)
        if tick.spread_seconds and tick.org_id is None:
            self._publish_spread(orgs, tick.spread_seconds, tick_id)
        else:
            self.topic.publish(self.message(org, tick_id) for org in orgs)
        log.info(
            "tick_fanned_out", job=tick.job, orgs=len(orgs), spread_seconds=tick.spread_seconds
        )
        return orgs

    def _publish_spread(self, orgs: list[str], seconds: int, tick_id: str) -> None:
        began = self.clock()
        for offset, some in spread(orgs, seconds):
            messages = [self.message(org, tick_id) for org in some]
            at = began + timedelta(seconds=offset)
            self.later.publish_all(messages, at=at, once=f"tick/{tick_id}")


@dataclass(frozen=True, slots=True)
class SyncFanOut:
    """Requests a sync of each org, and keeps the roster from which the watchdog knows that the
    schedule is alive. An org that the tick is meant for and does not reach gets a run too, whose
    failure says why. A tick for one org is somebody's wish: it is tried though it is paused."""

    database: Database
    fan_out: FanOut
    clock: Clock

    def __call__(self, tick: CronTick, tick_id: str) -> None:
        """Fan a tick out; its redelivery requests the same runs. Raises InvalidMessage for an
        unknown org."""
        if tick.org_id is not None:
            self._start(tick.org_id, tick_id)
            return
        orgs = self.fan_out(tick, tick_id)
        told = locations.unreached(self.database, orgs)
        self.fan_out.topic.publish(
            PosSync(org_id=org, run_id=run_id(tick_id, org), trigger="cron") for org in told
        )
        before = locations.read_roster(self.database)
        self.database.commit([locations.put_roster(before, orgs, self.clock())])

    def _start(self, org_id: str, tick_id: str) -> None:
        locations.require_known(self.database, org_id)
        asked = PosSync(org_id=org_id, run_id=run_id(tick_id, org_id), trigger="manual")
        self.fan_out.topic.publish([asked])
        log.info("tick_fanned_out", job="pos-sync", orgs=1, spread_seconds=0)


def sync_message(org_id: str, tick_id: str) -> PosSync:
    """The request for the scheduled sync of an active org."""
    return PosSync(org_id=org_id, run_id=run_id(tick_id, org_id), trigger="cron", if_active=True)


def loyalty_message(org_id: str, tick_id: str) -> Loyalty:
    """The request for the org's scheduled loyalty run."""
    return Loyalty(org_id=org_id, run_id=run_id(tick_id, org_id))


def segments_message(org_id: str, tick_id: str) -> AgeSegments:
    """The request to age the org's segments."""
    return AgeSegments(org_id=org_id)


def metrics_message(clock: Clock) -> Callable[[str, str], ReportMetrics]:
    """Makes the request for an org's report as of the hour that has begun: it is the same message
    when its tick is delivered again."""

    def message(org_id: str, tick_id: str) -> ReportMetrics:
        return ReportMetrics(
            org_id=org_id, as_of=clock().replace(minute=0, second=0, microsecond=0)
        )

    return message


def verify_message(clock: Clock) -> Callable[[str, str], VerifyOrg]:
    """Makes the request to verify an org in the night that has begun."""

    def message(org_id: str, tick_id: str) -> VerifyOrg:
        return VerifyOrg(org_id=org_id, night=clock().date())

    return message


def active_orgs(database: Database, tick: CronTick) -> list[str]:
    """The orgs with an active POS location that a tick is about; without those whose id no document
    can have. Raises InvalidMessage where it names an unknown org."""
    found = locations.active_orgs(database, tick.org_id)
    orgs = [org for org in found if is_document_id(org)]
    if len(orgs) < len(found):
        log.warning("org_ids_invalid", locations=len(found) - len(orgs))
    if tick.org_id is not None and not orgs:
        locations.require_known(database, tick.org_id)
    return orgs


def run_id(tick_id: str, org_id: str) -> str:
    """Id of the run that a tick requests for an org: the same for every delivery of the tick."""
    return "cron-" + hashlib.blake2b(f"{tick_id}/{org_id}".encode(), digest_size=10).hexdigest()
