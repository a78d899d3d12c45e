"""How one org stands: each stream, each location, and the run that is under way.

While nothing changes each look costs one read, that of the org's lease: every commit of a run
writes it. What changes without it shows within KEPT_SECONDS: a location's settings, and the error
of a run that was given up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.bus.messages import STREAMS
from shared.clock import Clock
from shared.domain.org_health import METADATA_EVERY, SCHEDULED_EVERY, Freshness, OrgState, freshness
from shared.domain.runs import SHORT_RUNS, Lease, StreamCounts
from shared.errors import Owner
from shared.services.reads.orgs import OrgSummary, summary
from shared.services.reads.response_cache import ResponseCache
from shared.services.runs.failure import TURN
from shared.store import lease as leases
from shared.store import locations, paths, runs
from shared.store.database import Database, Fields
from shared.store.locations import ListedLocation, known_by
from shared.store.runs import Run

KEPT_SECONDS = 30.0
METADATA = "metadata"
COUNTS = {"customers": "customersCount", "orders": "ordersCount", "products": "menuProductsCount"}
"""The status fields with the number of stored records, by stream."""


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """How a stream stands. ``count`` is the number of stored records, where they are counted;
    ``problem`` a sentence on why it is not up to date."""

    stream: str
    freshness: Freshness
    last_success_at: datetime | None
    count: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class RunUnderWayProgress:
    """The run that has the org now, and what it has counted so far by stream."""

    run_id: str
    trigger: str
    started_at: datetime
    streams: Mapping[str, StreamCounts]


@dataclass(frozen=True, slots=True)
class LastVerification:
    """What holding an org's records against the POS has found: how many there were, and how many
    documents differed."""

    verified_at: datetime
    ok: bool
    customers: int
    orders: int
    differences: int


@dataclass(frozen=True, slots=True)
class OrgStatus:
    """An org, and its parts. ``warnings`` are sentences about settings that are ignored."""

    org: OrgSummary
    streams: Sequence[StreamHealth]
    locations: Sequence[ListedLocation]
    verification: LastVerification | None
    running: RunUnderWayProgress | None
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What is stored about an org."""

    status: Fields
    lease: Lease
    run: Run | None
    locations: Sequence[ListedLocation]
    ticked_at: datetime | None


def lease_version(database: Database, org_id: str) -> object:
    """Differs after every commit of a run of the org. One read."""
    return leases.version(database, paths.lease(org_id))


@dataclass(frozen=True, slots=True)
class OrgStatusReads:
    """Reads how orgs stand."""

    database: Database
    clock: Clock
    answers: ResponseCache
    """With ``lease_version``: what is stored is kept until the lease changes."""

    def __call__(self, org_id: str) -> OrgStatus:
        """The org as it stands now, whether it was ever synced or not."""
        found = self.answers.of(org_id, "status", KEPT_SECONDS, lambda: self._read(org_id))
        now, known = self.clock(), known_by(org_id, found.locations)
        org = summary(org_id, found.status, known, found.ticked_at, now)
        return OrgStatus(
            org=org,
            streams=list(_streams(found.status, org.state, now)),
            locations=found.locations,
            verification=_verification(found.status.get("verification")),
            running=_running(found, now),
            warnings=found.status.get("warnings", ()),
        )

    def _read(self, org_id: str) -> _Snapshot:
        at, lease_at = paths.pos_status(org_id), paths.lease(org_id)
        lease = leases.look(self.database, [lease_at])[lease_at]
        run_id = lease.run_id
        run = None
        if run_id is not None and not run_id.startswith(SHORT_RUNS):
            run = runs.read(self.database, org_id, run_id)
        return _Snapshot(
            status=self.database.get(at).fields,
            lease=lease,
            run=run,
            locations=locations.listed(self.database, org_id),
            ticked_at=locations.last_tick(self.database),
        )


def _verification(stored: Mapping[str, Any] | None) -> LastVerification | None:
    if not stored:
        return None
    counts = {name: stored.get(name, 0) for name in ("customers", "orders", "differences")}
    return LastVerification(stored["verifiedAt"], stored["ok"], **counts)


def _running(found: _Snapshot, now: datetime) -> RunUnderWayProgress | None:
    run, run_id = found.run, found.lease.run_id
    if run is None or run_id is None or run.state.ended or not found.lease.alive(now):
        return None
    return RunUnderWayProgress(run_id, run.trigger, run.started_at, run.totals)


def _streams(status: Fields, state: OrgState, now: datetime) -> Iterable[StreamHealth]:
    standing = status.get("streams") or {}
    for stream in STREAMS:
        shown = standing.get(stream)
        if shown is None:
            continue
        error = shown.get("error")
        fresh = freshness(
            shown.get("lastSuccessAt"),
            now,
            paused=state is OrgState.PAUSED,
            failed=error is not None,
            held=bool(shown.get("held")),
            every=METADATA_EVERY if stream == METADATA else SCHEDULED_EVERY,
        )
        yield StreamHealth(
            stream=stream,
            freshness=fresh,
            last_success_at=shown.get("lastSuccessAt"),
            count=status.get(COUNTS.get(stream, "")),
            problem=_told(error) if error else shown.get("heldBecause"),
        )


def _told(error: Mapping[str, str]) -> str:
    """An error in words, with whose turn it is."""
    return f"{error['message']} {TURN[Owner(error['owner'])]}"
