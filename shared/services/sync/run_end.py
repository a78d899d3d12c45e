"""How a sync run ends: pause or resume, incidents, its last state, and the org's status.

An org whose POS refuses its credentials in several runs in a row is paused: it is tried once a day
until they are corrected.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.bus.messages import Trigger
from shared.domain.order_matching import MANY_SKIPPED, most_are_skipped, why_skipped
from shared.domain.runs import (
    REJECTIONS_TO_PAUSE,
    RunState,
    StreamCounts,
    is_paused,
    next_probe,
    rejections_after,
)
from shared.errors import CredentialsRejected, ListingIncomplete, OrgError, Owner, SyncSamError
from shared.services.alerts import Alerts
from shared.services.runs.failure import error_fields, run_error
from shared.services.sync.session import Session
from shared.store import status
from shared.store.database import Database, Write
from shared.store.manifest import QUARANTINED, SKIPPED, STORED
from shared.store.runs import Hold, Run, RunError
from shared.store.status import SyncProgress

BY_ITSELF = ("cron", "webhook")
"""Triggers that leave a paused org alone. A person who asks for a sync gets one at once."""

PAUSED = "sync_paused"
HELD = "removal_held"
REMOVING = ("customers", "orders", "products")
"""Streams whose records are removed."""
LIST_INCOMPLETE = "stock_list_incomplete"
GIVEN_UP = "run_given_up"
UNMATCHED = "orders_unmatched"
FAILING = "run_keeps_failing"

COMPARED = ("customers", "orders", "products")
"""Streams whose records are compared between the accounts of an org."""


class SyncPaused(OrgError):
    """The sync rests until the credentials are corrected."""

    code = "sync_paused"


class UnreadableRecords(SyncSamError):
    """Some records are in quarantine; all others were synced."""

    code = "records_in_quarantine"
    owner = Owner.PROVIDER


class OrdersWithoutCustomers(SyncSamError):
    """So many orders match no customer that their customers' spending is wrong."""

    code = "orders_without_customers"
    owner = Owner.ORG


class RemovalHeld(SyncSamError):
    """A removal waits for a person's decision."""

    code = "removal_held"
    owner = Owner.ORG


def is_resting(database: Database, org_id: str, trigger: Trigger, now: datetime) -> bool:
    """Whether a run of that trigger is not to be: the org is paused and not due for a probe."""
    if trigger not in BY_ITSELF:
        return False
    until = status.paused_until(database, org_id)
    return until is not None and now < until


def end_run(
    session: Session, alerts: Alerts, *, wanted: Sequence[str], provider: str | None
) -> None:
    """End a run over the ``wanted`` streams: raise or resolve incidents, write the status."""
    _count_rejection(session, wanted)
    _notify(session, alerts)
    run, progress = session.run, session.progress

    def last() -> list[Write]:
        set_last_state(run, wanted=wanted, now=session.now())
        if not run.errors and not _unmatched(run):
            progress.last_success_at = run.ended_at
        return [status.put(session.org_id, _status_fields(session, provider))]

    if all(stream in run.done and not run.failed(stream) for stream in COMPARED):
        progress.accounts_refused = None
    session.end(last)


def set_last_state(run: Run, *, wanted: Sequence[str], now: datetime) -> None:
    """Set the state in which the run ends, and the error that explains it where it needs one."""
    run.ended_at, run.error = now, None  # that of a delivery before this one is over
    quarantined = {name: t.quarantined for name, t in run.streams.items() if t.quarantined}
    if run.errors:
        run.error = run.errors[0]
        complete = [s for s in wanted if s in run.done and not run.failed(s)]
        run.state = RunState.PARTIAL if complete else RunState.FAILED
    elif unmatched := _unmatched(run):
        run.state = RunState.PARTIAL
        run.error = run_error(OrdersWithoutCustomers(unmatched), "orders")
    elif run.holds:
        run.state = RunState.HELD
        run.error = _waiting(run.holds)
    elif quarantined:
        run.state = RunState.PARTIAL
        counts = ", ".join(f"{count} {name}" for name, count in sorted(quarantined.items()))
        run.error = run_error(
            UnreadableRecords(f"{counts} could not be read and are in quarantine; the rest is in")
        )
    else:
        run.state = RunState.SUCCEEDED


def _count_rejection(session: Session, wanted: Sequence[str]) -> None:
    """Count the run among those in a row that the POS refused; where the org is paused for it,
    put first among the run's errors what is to be done."""
    run, progress = session.run, session.progress
    progress.credential_failures = rejections_after(
        progress.credential_failures,
        rejected=any(error.code == CredentialsRejected.code for error in run.errors),
        accepted=any(s in run.done and not run.failed(s) for s in wanted),
    )
    if is_paused(progress.credential_failures):
        cause = run.errors[0].message if run.errors else ""
        advice = (
            f"{cause} Syncing is paused after {REJECTIONS_TO_PAUSE} refusals in a row: correct the"
            " user name, password or PIN in the POS settings, then start a sync. Until then"
            " Sync Sam tries once a day"
        )
        run.errors.insert(0, run_error(SyncPaused(advice)))


def _notify(session: Session, alerts: Alerts) -> None:
    """Raise the incidents that the run met, resolve those it found to be over.

    They are noted in the org's progress before alerts are sent and removed after: a crash in
    between only repeats them, and an org without incidents costs no read.
    """
    progress = session.progress
    met = _incidents(session.run, progress)
    noted = {*progress.incidents, *met}
    over = {key for key in noted - met.keys() if _is_over(key, session.run)}
    if noted != set(progress.incidents):
        progress.incidents = sorted(noted)
        session.checkpoint()
    for key, (title, body) in met.items():
        alerts.raise_(session.org_id, key, title, body)
    for key in over:
        alerts.resolve(session.org_id, key)
    progress.incidents = sorted(noted - over)


def _incidents(run: Run, progress: SyncProgress) -> dict[str, tuple[str, str]]:
    """Title and body of each incident that the run met, by its key."""
    met = {}
    if is_paused(progress.credential_failures):
        met[PAUSED] = ("The sync is paused", run.errors[0].message)
    for stream, hold in run.holds.items():
        met[_held(stream)] = (
            f"A removal of {stream} waits for a decision",
            f"{hold.reason}. If it is right, sync with allowDeletions; else correct it at the POS.",
        )
    if incomplete := _stock_list_incomplete(run):
        met[LIST_INCOMPLETE] = (
            "The POS's list of stock came incomplete",
            f"{incomplete} Nothing is removed: the menu stays as it was until the list is whole.",
        )
    if unmatched := _unmatched(run):
        met[UNMATCHED] = ("Most orders match no customer", f"{unmatched}.")
    return met


def _is_over(key: str, run: Run) -> bool:
    """Whether an incident that the run did not meet is over: whether the run has looked."""
    if key == UNMATCHED:
        return _orders_of(run).fetched >= MANY_SKIPPED
    stream = next((s for s in REMOVING if key == _held(s)), None)
    if key == LIST_INCOMPLETE:
        stream = "products"
    return stream is None or (stream in run.done and not run.failed(stream))


def _orders_of(run: Run) -> StreamCounts:
    return run.streams.get("orders", StreamCounts())


def _unmatched(run: Run) -> str | None:
    """Why most of the run's orders were skipped; None where they were not."""
    tally = _orders_of(run)
    if not most_are_skipped(tally.fetched, tally.skipped_reasons):
        return None
    return (
        f"{why_skipped(tally.fetched, tally.skipped_reasons)}. They are not stored, and count for"
        " nobody's spending: see the skipped orders, and whether the POS account may list every"
        " customer"
    )


def _stock_list_incomplete(run: Run) -> str | None:
    code = ListingIncomplete.code
    found = (e.message for e in run.errors if e.stream == "products" and e.code == code)
    return next(found, None)


def _status_fields(session: Session, provider: str | None) -> dict[str, Any]:
    run, progress, manifests = session.run, session.progress, session.manifests
    assert run.ended_at is not None
    fields: dict[str, Any] = {
        "status": _status(run, progress),
        "lastSyncAt": run.ended_at,
        "lastSuccessAt": progress.last_success_at,
        "lastRunId": session.run_id,
        "customersCount": manifests["customers"].count(STORED),
        "ordersCount": manifests["orders"].count(STORED),
        "menuProductsCount": manifests["products"].count(STORED),
        "ordersSkipped": manifests["orders"].count(SKIPPED),
        "quarantined": sum(m.count(QUARANTINED) for m in manifests.values()),
        "deletionsHeld": sum(hold.count for hold in progress.holds.values()),
        "durationSeconds": run.duration_seconds,
    }
    if provider:
        fields["provider"] = provider
    if run.warnings:
        fields["warnings"] = run.warnings
    if is_paused(progress.credential_failures):
        fields["nextTryAt"] = next_probe(run.ended_at)
    error = run.error or _still_so(session)
    return fields | error_fields(error)


def _still_so(session: Session) -> RunError | None:
    """What an earlier run found and this one has not looked at."""
    if UNMATCHED in session.progress.incidents:
        skipped = session.manifests["orders"].count(SKIPPED)
        found = f"{skipped:,} orders match no customer and are not stored: see the skipped orders"
        return run_error(OrdersWithoutCustomers(found), "orders")
    return _waiting(session.progress.holds) if session.progress.holds else None


def _held(stream: str) -> str:
    """Key of the incident of a removal of the stream's records that waits."""
    return HELD if stream == "products" else f"{HELD}_{stream}"


def _waiting(holds: Mapping[str, Hold]) -> RunError:
    """The first of the holds as an error."""
    stream, hold = next(iter(holds.items()))
    held = RemovalHeld(f"{hold.reason}. If it is right, sync with allowDeletions.")
    return run_error(held, stream)


def _status(run: Run, progress: SyncProgress) -> str:
    if is_paused(progress.credential_failures):
        return status.PAUSED
    if run.errors or UNMATCHED in progress.incidents:
        return "error"
    return "held" if progress.holds else "active"
