"""Alerts people to what did not happen: orgs without a recent successful sync, a silent schedule,
runs without a worker, and spending that is not computed.

What one check reads, however many orgs there are (10,000 orgs without incident: 6 documents):

    the roster that the schedule keeps                 1
    orgs whose last success is over 2 hours ago        3 each, found by index (1 if none)
    orgs whose last success is over 45 minutes ago     2 each, by index (1 if none)
    orgs that joined within a day                      1 each
    runs begun over half an hour ago and not ended     2 each, by index (1 if none)
    requests for spending not done after 10 minutes    1 each, by index (1 if none)
    open incidents                                     2 each, by index (1 if none)

Only where the schedule is silent are active locations read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.bus.messages import CronTick
from shared.clock import Clock
from shared.domain.incidents import Incident
from shared.domain.runs import (
    FORGOTTEN_AFTER,
    LATE_AFTER,
    MANY_ORGS,
    OVERDUE_AFTER,
    SILENT_AFTER,
    is_recovered,
    is_stuck,
)
from shared.services.alerts import Alerts
from shared.services.runs.failure import close_stuck
from shared.services.spending.requests import OUTSTANDING, OutstandingSpending
from shared.services.sync.run_end import FAILING, GIVEN_UP
from shared.store import incidents, locations, paths, runs, status
from shared.store import lease as leases
from shared.store.database import Conflict, Database
from shared.store.locations import Roster

LIMIT = 500
"""Documents of a kind that one check reads: a later one reads the rest."""
MOST_BEHIND = 50
"""One in so many orgs is counted as behind at the most: more say no more."""

STUCK = "run_stuck"
OVERDUE = "no_recent_success"
MANY_OVERDUE = "many_orgs_overdue"
SILENT = "schedule_silent"
OF_ORGS = (OVERDUE, STUCK, FAILING, GIVEN_UP)
"""Incidents of single orgs that are resolved here, by the org's next success."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Raises alerts, ends stuck runs, and resolves the alerts of what has recovered."""

    database: Database
    alerts: Alerts
    clock: Clock
    spending: OutstandingSpending

    def __call__(self, tick: CronTick) -> None:
        """Check all orgs, or only the one that the tick names. Raises InvalidMessage for an unknown
        one."""
        now, only = self.clock(), tick.org_id
        if only is not None:
            locations.require_known(self.database, only)
        opened = incidents.open_ones(self.database, LIMIT)
        outstanding = {each.org_id for each in opened if each.org_id and each.key == OUTSTANDING}
        asked = self.spending.ask_again(only, outstanding)
        stuck = self._end_stuck_runs(only, now)
        kept = locations.read_roster(self.database)
        waiting, silent = self._never_succeeded(kept, now)
        overdue = waiting | status.last_succeeded(
            self.database, now - FORGOTTEN_AFTER, now - OVERDUE_AFTER, LIMIT
        )
        if only is not None:
            overdue = {org: since for org, since in overdue.items() if org == only}
        active = locations.active_among(self.database, overdue)
        overdue = {org: since for org, since in overdue.items() if org in active}
        many = len(overdue) >= MANY_ORGS
        if silent:
            self._alert_silence()
        if many:
            self._alert_many(overdue)
        else:
            self._alert_each(overdue)
        self._resolve(opened, {MANY_OVERDUE: many, SILENT: silent}, only)
        figures = {} if only else self._behind(kept, len(overdue), now)
        log.info(
            "watched",
            overdue=len(overdue),
            stuck=stuck,
            schedule_silent=silent,
            spending_asked_again=asked,
            **figures,
        )

    def _end_stuck_runs(self, only: str | None, now: datetime) -> int:
        """End the stuck runs, and raise an alert for each; how many were ended. A run that has
        changed since it was read is left alone."""
        suspects = [
            each
            for each in runs.unfinished(self.database, now - SILENT_AFTER, LIMIT)
            if only in (None, each.org_id)
        ]
        held = leases.look(self.database, sorted({paths.lease(each.org_id) for each in suspects}))
        ended = 0
        for each in suspects:
            lease = held[paths.lease(each.org_id)]
            if not is_stuck(each.run.state, each.run.started_at, each.run_id, lease, now):
                continue
            try:
                close_stuck(self.database, each, now, latest=lease.run_id == each.run_id)
            except Conflict:
                log.info("run_moves_after_all", org_id=each.org_id, run_id=each.run_id)
                continue
            ended += 1
            log.error("run_stuck", org_id=each.org_id, run_id=each.run_id)
            self.alerts.raise_(
                each.org_id,
                STUCK,
                "A sync hung and was ended",
                f"Run {each.run_id}, begun at {each.run.started_at:%Y-%m-%d %H:%M} UTC, had no"
                " worker any more. The next scheduled run is made all the same.",
            )
        return ended

    def _behind(self, kept: Roster | None, overdue: int, now: datetime) -> dict[str, float]:
        """For the objective: how many orgs the schedule has, and what share of them, in percent,
        has no success within LATE_AFTER, the overdue included."""
        orgs = len(kept.known) if kept else 0
        if not orgs:
            return {}
        limit = max(LIMIT, orgs // MOST_BEHIND)
        late = status.last_succeeded(self.database, now - OVERDUE_AFTER, now - LATE_AFTER, limit)
        behind = overdue + len(locations.active_among(self.database, late))
        return {"orgs": orgs, "behind_percent": min(100.0, 100 * behind / orgs)}

    def _never_succeeded(
        self, kept: Roster | None, now: datetime
    ) -> tuple[dict[str, datetime | None], bool]:
        """Orgs that should have succeeded by now and never did; whether the schedule is silent."""
        long_ago = now - OVERDUE_AFTER
        if kept is not None and kept.ticked_at >= long_ago:
            known, silent = kept.recent, False
        else:
            known = locations.active_since(self.database, long_ago, LIMIT)
            silent = bool(known)
        due = [org_id for org_id, since in known.items() if since < long_ago]
        succeeded = status.last_successes(self.database, due)
        return {org_id: None for org_id, last in succeeded.items() if last is None}, silent

    def _alert_each(self, overdue: Mapping[str, datetime | None]) -> None:
        for org_id, last in sorted(overdue.items()):
            so_far = (
                f"The last was at {last:%Y-%m-%d %H:%M} UTC." if last else "There was none yet."
            )
            self.alerts.raise_(
                org_id,
                OVERDUE,
                "No successful sync for 2 hours",
                f"{so_far} The org's sync status says what the last run met, if there was one.",
            )

    def _alert_many(self, overdue: Collection[str]) -> None:
        some = ", ".join(sorted(overdue)[:5])
        self.alerts.raise_(
            None,
            MANY_OVERDUE,
            "Many orgs have no successful sync for 2 hours",
            f"At least {len(overdue)} orgs, among them {some}. The orgs themselves are not told.",
        )

    def _alert_silence(self) -> None:
        self.alerts.raise_(
            None,
            SILENT,
            "The schedule is silent",
            "No tick has asked for the syncs of all orgs for 2 hours: see Cloud Scheduler's job"
            " pos-sync, the topic cron-tick and the function cron_fanout.",
        )

    def _resolve(
        self, opened: Sequence[Incident], fleet_wide: Mapping[str, bool], only: str | None
    ) -> None:
        """Resolve what has recovered, except incidents that others resolve."""
        org_ids = {each.org_id for each in opened if each.org_id and each.key in OF_ORGS}
        succeeded = status.last_successes(self.database, sorted(org_ids))
        for incident in opened:
            org_id, key = incident.org_id, incident.key
            if org_id is None:
                recovered = not fleet_wide.get(key, True) and only is None
            else:
                recovered = key in OF_ORGS and is_recovered(
                    incident.opened_at, succeeded.get(org_id)
                )
            if recovered:
                self.alerts.resolve(org_id, key)
