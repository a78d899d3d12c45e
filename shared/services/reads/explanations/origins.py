"""What the explanations of all kinds of records have: the run behind a write, a record's entry in
quarantine, and what an order adds to spending."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.domain.changes import REMOVED_AT
from shared.domain.runs import RunState
from shared.domain.spending import counts
from shared.store import orders, paths, runs
from shared.store.database import Database, Document


class OrderEffect(StrEnum):
    """What a stored order adds to its customer's spending, and if nothing, why."""

    COUNTED = "counted"
    REFUND = "refund"
    REMOVED = "removed_from_pos"
    SUPERSEDED = "superseded"
    UNREADABLE = "unreadable"
    STATUS = "status"
    NO_STATUS = "no_status"

    @property
    def counts(self) -> bool:
        """Whether its amount is in the total."""
        return self in (OrderEffect.COUNTED, OrderEffect.REFUND)

    @property
    def message(self) -> str:
        """The same in words."""
        return _EFFECTS[self]


_EFFECTS = {
    OrderEffect.COUNTED: "It counts: money was taken.",
    OrderEffect.REFUND: "It lowers the total; it is no order and moves no order date.",
    OrderEffect.REMOVED: "The POS has it no more.",
    OrderEffect.SUPERSEDED: "The sale at the till counts in its place.",
    OrderEffect.UNREADABLE: "Its total or its time cannot be read: another program changed it.",
    OrderEffect.STATUS: "Only completed and ready orders count.",
    OrderEffect.NO_STATUS: "Without a status only in-store sales count.",
}


def effect_of(order: Document) -> OrderEffect:
    """What a stored order adds, by the rule of domain.spending."""
    fields = order.fields
    if fields.get(REMOVED_AT):
        return OrderEffect.REMOVED
    if fields.get(orders.SUPERSEDED_BY):
        return OrderEffect.SUPERSEDED
    fact = orders.fact_of(order)
    if fact is None:
        return OrderEffect.UNREADABLE
    if counts(fact.status, fact.type):
        return OrderEffect.REFUND if fact.total_cents < 0 else OrderEffect.COUNTED
    return OrderEffect.STATUS if fact.status else OrderEffect.NO_STATUS


@dataclass(frozen=True, slots=True)
class RunBehind:
    """A run that wrote a record. Of records that do not name theirs it is the last that had begun
    (``named`` is False): spending and webhooks write between the runs, too."""

    run_id: str
    named: bool
    state: RunState | None = None
    trigger: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


def named_run(database: Database, org_id: str, run_id: object) -> RunBehind | None:
    """The run that a record names; with its id alone where it is kept no more, or is of a kind
    that is not recorded."""
    if not isinstance(run_id, str) or not run_id:
        return None
    found = runs.read(database, org_id, run_id)
    if found is None:
        return RunBehind(run_id, named=True)
    return RunBehind(run_id, True, found.state, found.trigger, found.started_at, found.ended_at)


def run_before(database: Database, org_id: str, written_at: object) -> RunBehind | None:
    """The last run that had begun when a record was written."""
    if not isinstance(written_at, datetime):
        return None
    found = runs.begun_before(database, org_id, written_at)
    if found is None:
        return None
    run_id, run = found
    return RunBehind(run_id, False, run.state, run.trigger, run.started_at, run.ended_at)


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """Why a record that the POS sent could not be used."""

    code: str
    message: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    run_id: str | None


def quarantined(fields: Mapping[str, Any]) -> QuarantineEntry | None:
    """The entry in a document of the quarantine; None where that does not exist."""
    if not fields:
        return None
    return QuarantineEntry(
        code=str(fields.get("errorCode", "")),
        message=str(fields.get("message", "")),
        first_seen_at=fields.get("firstSeenAt"),
        last_seen_at=fields.get("lastSeenAt"),
        run_id=fields.get("runId"),
    )


def quarantine_path(org_id: str, stream: str, record_id: str) -> str:
    """Where the quarantine would have a record."""
    return f"{paths.quarantine(org_id)}/{stream}_{record_id}"
