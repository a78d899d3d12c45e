"""``loyalty_runs/{runId}``, and what an org's next run must know of the ones before: the progress,
and an entry per customer in a PackedMap."""

from datetime import datetime
from typing import Any

from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.domain.loyalty_work import LoyaltyEntry, LoyaltyWork, Review
from shared.models import CamelModel
from shared.store import packed_map, paths
from shared.store.database import Database, Put
from shared.store.packed_map import Facts, PackedMap
from shared.store.runs import StoredRun

_STATE = "loyalty"

_STATUSES = tuple(ProviderStatus)
"""Stored by their place: append to ProviderStatus, never rearrange it."""


class LoyaltyCounts(CamelModel):
    """What happened in a run. ``asked`` counts customers looked up, ``unavailable`` those without
    an answer because Alpine IQ gave none, ``postponed`` those whom the rate limit leaves to a later
    run; ``compared`` the calculated ones with both figures, ``discrepancy`` the points between
    these in all."""

    customers: int = 0
    asked: int = 0
    found: int = 0
    no_contact: int = 0
    hidden: int = 0
    unavailable: int = 0
    postponed: int = 0
    compared: int = 0
    discrepancy: int = 0
    reconciled: int = 0
    needs_review: int = 0
    newly_in_review: int = 0
    updated: int = 0
    unchanged: int = 0
    ledger_entries: int = 0


class LoyaltyRun(StoredRun):
    """A loyalty run."""

    everybody: bool = False
    """The run is for every customer."""
    marked: bool = False
    """The customers to work on are marked: a later invocation of the run does what is left."""
    alpine_down: bool = False
    """Alpine IQ does not answer: no further customer is looked up in this run."""
    provider_errors: int = 0
    """Look-ups that failed, each after all its tries."""
    counts: LoyaltyCounts = LoyaltyCounts()

    @property
    def success_rate(self) -> float | None:
        """Share of the calculated customers that did not lack Alpine IQ's answer; None for none."""
        done = self.counts.updated + self.counts.unchanged
        return round(1 - min(self.counts.unavailable, done) / done, 4) if done else None

    @property
    def average_discrepancy(self) -> float | None:
        """Points between the two figures, on average of the customers with both; None for none."""
        counts = self.counts
        return round(counts.discrepancy / counts.compared, 2) if counts.compared else None

    @property
    def totals(self) -> dict[str, float]:
        """What sums the counts up, as far as there is something to sum up."""
        totals = {
            "successRate": self.success_rate,
            "averageDiscrepancy": self.average_discrepancy,
        }
        return {name: value for name, value in totals.items() if value is not None}

    def document(self, org_id: str, run_id: str) -> dict[str, Any]:
        return super().document(org_id, run_id) | self.totals


class LoyaltyProgress(CamelModel):
    """What outlives a run. Changed in place. ``marked_at`` is the start of the last run that marked
    the customers to work on, ``account`` the org's number at Alpine IQ then (empty: none)."""

    marked_at: datetime | None = None
    account: str = ""
    rules: str = ""
    """A hash of the org's programme at ``marked_at``."""
    alert: str | None = None
    """Key of the open incident about differences."""
    failing: bool = False
    """There may be an open incident about runs that fail."""
    last_sync_at: datetime | None = None
    last_run_id: str | None = None


def read(database: Database, org_id: str, run_id: str) -> LoyaltyRun | None:
    """The run, or None where there is none of that id."""
    found = database.get(paths.loyalty_run(org_id, run_id))
    return LoyaltyRun.model_validate(found.fields) if found.exists else None


def put(org_id: str, run_id: str, run: LoyaltyRun) -> Put:
    """The write for a run."""
    return Put(paths.loyalty_run(org_id, run_id), run.document(org_id, run_id))


def read_progress(database: Database, org_id: str) -> LoyaltyProgress:
    """The org's progress; that of a new org where there is none."""
    return LoyaltyProgress.model_validate(database.get(paths.loyalty_progress(org_id)).fields)


def put_progress(org_id: str, progress: LoyaltyProgress) -> Put:
    """The write for it."""
    fields = progress.model_dump(by_alias=True, exclude_none=True)
    return Put(paths.loyalty_progress(org_id), fields)


class LoyaltyState(PackedMap[LoyaltyEntry]):
    """Every customer's entry, by customer id. Those of one shard are best written together."""

    shard_bytes = 40_000
    """Small, about 700 customers: each batch of a run rewrites its customers' shard."""

    def get(self, record_id: str) -> LoyaltyEntry:
        """The customer's entry; an empty one for a new customer."""
        return super().get(record_id) or LoyaltyEntry()

    def put(self, customer_id: str, entry: LoyaltyEntry) -> None:
        self.set_entry(customer_id, entry)

    def remove(self, customer_id: str) -> None:
        self.drop_entry(customer_id)

    def pack(self, entry: LoyaltyEntry) -> Facts:
        # The order is stored: append, never rearrange.
        answer, status = entry.answer, _STATUSES.index(entry.answer.status)
        asked = [int(entry.work), entry.looked_up, status, answer.points, answer.user_id]
        calculated = [entry.spent_cents, entry.orders, entry.equity, entry.ledger]
        return [*asked, *calculated, int(entry.review)]

    def unpack(self, record_id: str, packed: Facts) -> LoyaltyEntry:
        return _entry(packed)


def load_state(database: Database, org_id: str) -> LoyaltyState:
    """The org's state; an empty one before its first run."""
    return LoyaltyState(org_id, _STATE, *packed_map.read(database, org_id, _STATE))


def entry_of(database: Database, org_id: str, customer_id: str) -> LoyaltyEntry:
    """One customer's entry, without the rest of the state; an empty one for a new customer."""
    facts = packed_map.facts_of(database, org_id, _STATE, customer_id)
    return LoyaltyEntry() if facts is None else _entry(facts)


def _entry(facts: Facts) -> LoyaltyEntry:
    work, looked_up, status, points, user_id, spent_cents, orders, equity, ledger, review = facts
    answer = ProviderAnswer(_STATUSES[status], points, user_id)
    calculated = (spent_cents, orders, equity, ledger)
    return LoyaltyEntry(LoyaltyWork(work), looked_up, answer, *calculated, Review(review))
