"""``loyalty_runs/{runId}``, and what an org's next run must know of the ones before: the progress,
and an entry per customer in a PackedMap."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.domain.loyalty_work import LoyaltyEntry, LoyaltyWork, Review
from shared.models import CamelModel
from shared.store import packed_map, paths
from shared.store.database import Database, Put
from shared.store.packed_map import Facts, PackedMap
from shared.store.runs import KEPT, StoredRun

STATE_NAME = "loyalty"
STATE_SHARD_BYTES = 40_000
"""Small, about 700 customers: each batch of a run rewrites its customers' shard."""

_STATUSES = tuple(ProviderStatus)
"""Stored by their place: append to ProviderStatus, never rearrange it."""


class LoyaltyCounts(CamelModel):
    """What happened in a run. ``asked`` counts customers looked up, ``unavailable`` those without
    an answer because Alpine IQ gave none."""

    customers: int = 0
    asked: int = 0
    found: int = 0
    no_contact: int = 0
    hidden: int = 0
    unavailable: int = 0
    reconciled: int = 0
    needs_review: int = 0
    newly_in_review: int = 0
    updated: int = 0
    unchanged: int = 0
    ledger_entries: int = 0


class LoyaltyRun(StoredRun):
    """A loyalty run."""

    everybody: bool = False
    """The run looks up every customer."""
    marked: bool = False
    """The customers to work on are marked: a later invocation of the run does what is left."""
    alpine_down: bool = False
    """Alpine IQ does not answer: nobody else is looked up in this run."""
    counts: LoyaltyCounts = LoyaltyCounts()


class LoyaltyProgress(CamelModel):
    """What outlives a run. Changed in place.

    ``marked_at`` is the start of the last run that marked the customers to work on; ``account`` is
    the org's number at Alpine IQ then (empty: none) and ``rules`` a hash of its programme;
    ``alert`` is the key of the open incident about differences.
    """

    marked_at: datetime | None = None
    account: str = ""
    rules: str = ""
    alert: str | None = None
    last_sync_at: datetime | None = None
    last_run_id: str | None = None


def read(database: Database, org_id: str, run_id: str) -> LoyaltyRun | None:
    """The run, or None where there is none of that id."""
    found = database.get(paths.loyalty_run(org_id, run_id))
    return LoyaltyRun.model_validate(found.fields) if found.exists else None


def put(org_id: str, run_id: str, run: LoyaltyRun) -> Put:
    """The write for a run."""
    fields: dict[str, Any] = run.model_dump(by_alias=True, exclude_none=True)
    fields |= {"state": run.state.value, "orgId": org_id, "runId": run_id}
    fields["expireAt"] = run.started_at + KEPT
    return Put(paths.loyalty_run(org_id, run_id), fields)


def read_progress(database: Database, org_id: str) -> LoyaltyProgress:
    """The org's progress; that of a new org where there is none."""
    return LoyaltyProgress.model_validate(database.get(paths.loyalty_progress(org_id)).fields)


def put_progress(org_id: str, progress: LoyaltyProgress) -> Put:
    """The write for it."""
    fields = progress.model_dump(by_alias=True, exclude_none=True)
    return Put(paths.loyalty_progress(org_id), fields)


class LoyaltyState:
    """Every customer's entry, whole in memory. Not safe for threads."""

    def __init__(self, entries: PackedMap[Facts]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def ids(self) -> list[str]:
        """All customers' ids."""
        return [customer_id for customer_id, _ in self._entries.items()]

    def has(self, customer_id: str) -> bool:
        """Whether a run has met the customer."""
        return self._entries.get(customer_id) is not None

    def get(self, customer_id: str) -> LoyaltyEntry:
        """The customer's entry; an empty one for somebody new."""
        facts = self._entries.get(customer_id)
        return LoyaltyEntry() if facts is None else _entry(facts)

    def items(self) -> Iterator[tuple[str, LoyaltyEntry]]:
        """All customers' ids and entries."""
        return ((customer_id, _entry(facts)) for customer_id, facts in self._entries.items())

    def put(self, customer_id: str, entry: LoyaltyEntry) -> None:
        self._entries.put(customer_id, _facts(entry))

    def remove(self, customer_id: str) -> None:
        self._entries.remove(customer_id)

    def shard(self, customer_id: str) -> int:
        """Which document holds the customer: those of one are best written together."""
        return self._entries.shard(customer_id)

    def take_writes(self) -> list[Put]:
        """See PackedMap."""
        return self._entries.take_writes()


def load_state(database: Database, org_id: str) -> LoyaltyState:
    """The org's state; an empty one before its first run."""
    return LoyaltyState(packed_map.load(database, org_id, STATE_NAME, STATE_SHARD_BYTES))


def entry_of(database: Database, org_id: str, customer_id: str) -> LoyaltyEntry:
    """One customer's entry, without the rest of the state; an empty one for somebody new."""
    facts = packed_map.facts_of(database, org_id, STATE_NAME, customer_id)
    return LoyaltyEntry() if facts is None else _entry(facts)


def _facts(entry: LoyaltyEntry) -> Facts:
    # The order is stored: append, never rearrange.
    return [
        int(entry.work),
        entry.looked_up,
        _STATUSES.index(entry.answer.status),
        entry.answer.points,
        entry.answer.user_id,
        entry.spent_cents,
        entry.orders,
        entry.equity,
        entry.ledger,
        int(entry.review),
    ]


def _entry(facts: Facts) -> LoyaltyEntry:
    work, looked_up, status, points, user_id, spent_cents, orders, equity, ledger, review = facts
    return LoyaltyEntry(
        work=LoyaltyWork(work),
        looked_up=looked_up,
        answer=ProviderAnswer(_STATUSES[status], points, user_id),
        spent_cents=spent_cents,
        orders=orders,
        equity=equity,
        ledger=ledger,
        review=Review(review),
    )
