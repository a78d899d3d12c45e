"""How a sync run ends: pause or resume, incidents, its last state, and the org's status.

Where a provider refuses the credentials in several runs in a row, it is tried once a day until they
are corrected. An org all of whose providers do is paused; in another one the runs leave that
provider out, and the status is an error that names it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.bus.messages import Trigger
from shared.domain.order_matching import MANY_SKIPPED, most_are_skipped, why_skipped
from shared.domain.providers import ALLEAVES, label
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
from shared.store.runs import Hold, ProviderWork, Run, RunError
from shared.store.status import RecordCounts, SyncProgress

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

ERROR = "error"
_CREDENTIALS = {"alleaves": "user name, password or PIN", "lightspeed": "token"}

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


Standing = Mapping[str, SyncProgress]
"""How the sync with each of the org's providers stands."""


def rests(progress: SyncProgress, trigger: str, now: datetime) -> bool:
    """Whether a run of that trigger is to leave a provider out, as it refuses the credentials."""
    return trigger in BY_ITSELF and progress.next_try_at is not None and now < progress.next_try_at


def note_rest(session: Session) -> None:
    """Note on the run why its provider is left out."""
    stated = session.progress.error
    if stated and stated.code == SyncPaused.code:
        session.run.errors.append(stated)
    else:
        session.fail(SyncPaused("the sync is paused, as the POS refused the credentials"))


def end_provider(session: Session, alerts: Alerts) -> None:
    """The run is done with the session's provider, one of several, and goes on with the next."""
    _settle_progress(session, alerts, one_of_many=True)

    def last() -> list[Write]:
        _note_outcome(session, session.now())
        return []

    session.close(last)


def end_run(session: Session, alerts: Alerts, standing: Standing, order: Sequence[str]) -> None:
    """End a run whose last provider is the session's: raise or resolve incidents, write the status
    of the org, whose providers are shown in the ``order`` given."""
    standing = {name: standing[name] for name in dict.fromkeys([*order, session.provider])}
    _settle_progress(session, alerts, one_of_many=len(standing) > 1)
    run = session.run

    def last() -> list[Write]:
        now = session.now()
        set_last_state(run, now=now)
        _note_outcome(session, now)
        return [status.put(session.org_id, _status_fields(session, standing, now))]

    session.end(last)


def _settle_progress(session: Session, alerts: Alerts, *, one_of_many: bool) -> None:
    _count_rejection(session)
    _notify(session, alerts, of=f" at {label(session.provider)}" if one_of_many else "")
    run, progress = session.run, session.progress
    if all(stream in run.done and not run.failed(stream) for stream in COMPARED):
        progress.accounts_refused = None


def _note_outcome(session: Session, now: datetime) -> None:
    """Note in the progress how the run left its provider."""
    run, progress, manifests = session.run, session.progress, session.manifests
    progress.error = next((e for e in run.errors if e.concerns(session.provider)), None)
    if is_paused(progress.credential_failures):
        progress.next_try_at = progress.next_try_at or next_probe(now)
    progress.counts = RecordCounts(
        customers=manifests["customers"].count(STORED),
        orders=manifests["orders"].count(STORED),
        menu_products=manifests["products"].count(STORED),
        orders_skipped=manifests["orders"].count(SKIPPED),
        quarantined=sum(m.count(QUARANTINED) for m in manifests.values()),
    )
    if progress.error is None and not _unmatched(run):
        progress.last_success_at = now


def set_last_state(run: Run, *, now: datetime) -> None:
    """Set the state in which the run ends, and the error that explains it where it needs one."""
    run.ended_at, run.error = now, None  # that of a delivery before this one is over
    totals = run.totals.items()
    quarantined = {name: t.quarantined for name, t in totals if t.quarantined}
    unmatched = next(filter(None, map(_unmatched, run.work.values())), None)
    if run.errors:
        run.error = run.errors[0]
        complete = any(_complete(run, provider) for provider in run.work)
        run.state = RunState.PARTIAL if complete else RunState.FAILED
    elif unmatched:
        run.state = RunState.PARTIAL
        run.error = run_error(OrdersWithoutCustomers(unmatched), "orders")
    elif held := next((work.holds for work in run.work.values() if work.holds), None):
        run.state = RunState.HELD
        run.error = _waiting(held)
    elif quarantined:
        run.state = RunState.PARTIAL
        counts = ", ".join(f"{count} {name}" for name, count in sorted(quarantined.items()))
        run.error = run_error(
            UnreadableRecords(f"{counts} could not be read and are in quarantine; the rest is in")
        )
    else:
        run.state = RunState.SUCCEEDED


def _complete(run: Run, provider: str) -> list[str]:
    """The streams that the run has done at a provider without failing, and not without asking:
    Lightspeed has no discounts, which is known without a call."""
    work = run.work[provider]
    failed = {error.stream for error in run.errors if error.concerns(provider)}
    asked = {stream for stream, tally in work.streams.items() if tally.requests}
    return [stream for stream in work.done if stream in asked - failed]


def _count_rejection(session: Session) -> None:
    """Count the run among those in a row that the POS refused; where it is paused for it, put
    first among the run's errors what is to be done."""
    run, progress, provider = session.run, session.progress, session.provider
    own = [error for error in run.errors if error.concerns(provider)]
    if any(error.code == SyncPaused.code for error in own):
        return  # it was left out
    progress.credential_failures = rejections_after(
        progress.credential_failures,
        rejected=any(error.code == CredentialsRejected.code for error in own),
        accepted=bool(_complete(run, provider)),
    )
    progress.next_try_at = None
    if is_paused(progress.credential_failures):
        cause = own[0].message if own else ""
        advice = (
            f"{cause} Syncing is paused after {REJECTIONS_TO_PAUSE} refusals in a row: correct the"
            f" {_CREDENTIALS.get(provider, 'credentials')} in the POS settings, then start a sync."
            " Until then Sync Sam tries once a day"
        )
        run.errors.insert(0, run_error(SyncPaused(advice), provider=provider))


def _notify(session: Session, alerts: Alerts, *, of: str) -> None:
    """Raise the incidents that the run met, resolve those it found to be over; ``of`` which
    provider, where the org has several.

    They are noted in the org's progress before alerts are sent and removed after: a crash in
    between only repeats them, and an org without incidents costs no read.
    """
    progress = session.progress
    found = _incidents(session.run, progress)
    met = {_key(session.provider, kind): told for kind, told in found.items()}
    noted = {*progress.incidents, *met}
    kinds = {key: _kind(session.provider, key) for key in noted - met.keys()}
    over = {key for key, kind in kinds.items() if _is_over(kind, session.run)}
    if noted != set(progress.incidents):
        progress.incidents = sorted(noted)
        session.checkpoint()
    for key, (title, body) in met.items():
        alerts.raise_(session.org_id, key, title + of, body)
    for key in over:
        alerts.resolve(session.org_id, key)
    progress.incidents = sorted(noted - over)


def _key(provider: str, kind: str) -> str:
    """Key of a provider's incident of that kind: no other provider's run resolves it."""
    return kind if provider == ALLEAVES else f"{kind}_{provider}"


def _kind(provider: str, key: str) -> str:
    return key if provider == ALLEAVES else key.removesuffix(f"_{provider}")


def _incidents(run: Run, progress: SyncProgress) -> dict[str, tuple[str, str]]:
    """Title and body of each incident that the run met at the provider at hand, by its kind."""
    met = {}
    own = [error for error in run.errors if error.concerns(run.provider)]
    if is_paused(progress.credential_failures):
        met[PAUSED] = ("The sync is paused", own[0].message if own else "")
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


def _orders_of(work: ProviderWork) -> StreamCounts:
    return work.streams.get("orders", StreamCounts())


def _unmatched(work: ProviderWork) -> str | None:
    """Why most of the orders were skipped; None where they were not."""
    tally = _orders_of(work)
    if not most_are_skipped(tally.fetched, tally.skipped_reasons):
        return None
    return (
        f"{why_skipped(tally.fetched, tally.skipped_reasons)}. They are not stored, and count for"
        " nobody's spending: see the skipped orders, and whether the POS account may list every"
        " customer"
    )


def _stock_list_incomplete(run: Run) -> str | None:
    code = ListingIncomplete.code
    failures = (e for e in run.errors if e.concerns(run.provider) and e.code == code)
    return next((e.message for e in failures if e.stream == "products"), None)


def _status_fields(session: Session, standing: Standing, now: datetime) -> dict[str, Any]:
    run, each_progress = session.run, standing.values()
    states = [_status(name, progress) for name, progress in standing.items()]
    fields: dict[str, Any] = {
        "status": _of_org(states),
        "provider": next(iter(standing)),
        "lastSyncAt": now,
        "lastRunId": session.run_id,
        **_counts(each_progress),
        "ordersSkipped": sum(each.counts.orders_skipped for each in each_progress),
        "quarantined": sum(each.counts.quarantined for each in each_progress),
        "deletionsHeld": sum(h.count for each in each_progress for h in each.holds.values()),
        "durationSeconds": run.duration_seconds,
    }
    if _is_success(run, standing):
        fields["lastSuccessAt"] = now
    if run.warnings:
        fields["warnings"] = run.warnings
    if fields["status"] == status.PAUSED:
        probes = (each.next_try_at for each in each_progress)
        fields["nextTryAt"] = min(filter(None, probes), default=next_probe(now))
    if len(standing) == 1:
        return fields | error_fields(run.error or _still_so(session.provider, session.progress))
    fields["providers"] = [_shown(name, progress) for name, progress in standing.items()]
    return fields | _errors_of_several(run, standing)


def _is_success(run: Run, standing: Standing) -> bool:
    """Whether no provider fails, but for paused ones: of these people were told, and they are
    expected not to succeed."""
    tried = [n for n, each in standing.items() if not is_paused(each.credential_failures)]
    unmatched = {name for name, work in run.work.items() if _unmatched(work)}
    return bool(tried) and not any(standing[n].error or n in unmatched for n in tried)


def _errors_of_several(run: Run, standing: Standing) -> dict[str, Any]:
    """The status fields of errors at several providers: a sentence for each that fails."""
    found = {name: each.error or _still_so(name, each) for name, each in standing.items()}
    told = {name: error_fields(error) for name, error in found.items() if error}
    failing = {n: f for n, f in told.items() if _status(n, standing[n]) in (ERROR, status.PAUSED)}
    shown = failing or told
    if not shown:
        return error_fields(run.error)
    whose: dict[str, list[str]] = {}
    for name, fields in shown.items():
        whose.setdefault(fields["lastError"], []).append(label(name))
    sentences = [f"{' and '.join(names)}: {said}" for said, names in whose.items()]
    return next(iter(shown.values())) | {"lastError": " ".join(sentences)}


def _shown(provider: str, progress: SyncProgress) -> dict[str, Any]:
    """One of several providers in the status."""
    state = _status(provider, progress)
    shown: dict[str, Any] = {"provider": provider, "status": state, **_counts([progress])}
    if progress.last_success_at:
        shown["lastSuccessAt"] = progress.last_success_at
    if state == status.PAUSED:
        shown["nextTryAt"] = progress.next_try_at
    return shown | error_fields(progress.error or _still_so(provider, progress))


def _counts(providers: Iterable[SyncProgress]) -> dict[str, int]:
    counts = [each.counts for each in providers]
    return {
        "customersCount": sum(each.customers for each in counts),
        "ordersCount": sum(each.orders for each in counts),
        "menuProductsCount": sum(each.menu_products for each in counts),
    }


def _still_so(provider: str, progress: SyncProgress) -> RunError | None:
    """What an earlier run found and this one has not looked at."""
    if _key(provider, UNMATCHED) in progress.incidents:
        skipped = progress.counts.orders_skipped
        found = f"{skipped:,} orders match no customer and are not stored: see the skipped orders"
        return run_error(OrdersWithoutCustomers(found), "orders")
    return _waiting(progress.holds) if progress.holds else None


def _held(stream: str) -> str:
    """Key of the incident of a removal of the stream's records that waits."""
    return HELD if stream == "products" else f"{HELD}_{stream}"


def _waiting(holds: Mapping[str, Hold]) -> RunError:
    """The first of the holds as an error."""
    stream, hold = next(iter(holds.items()))
    held = RemovalHeld(f"{hold.reason}. If it is right, sync with allowDeletions.")
    return run_error(held, stream)


def _status(provider: str, progress: SyncProgress) -> str:
    """How the sync with one provider stands."""
    if is_paused(progress.credential_failures):
        return status.PAUSED
    if progress.error or _key(provider, UNMATCHED) in progress.incidents:
        return ERROR
    return "held" if progress.holds else "active"


def _of_org(providers: list[str]) -> str:
    """The org's status by those of its providers."""
    if {*providers} == {status.PAUSED}:
        return status.PAUSED
    if not {status.PAUSED, ERROR}.isdisjoint(providers):
        return ERROR
    return "held" if "held" in providers else "active"
