"""How a sync run ends: pause or resume, incidents, its last state, and the org's status.

Where a provider refuses the credentials in several runs in a row, it is tried once a day until they
are corrected. An org all of whose providers do is paused; in another one the runs leave that
provider out, and the status is an error that names it.
"""

from datetime import datetime

from shared.bus.messages import StreamName, Trigger
from shared.domain.order_matching import MANY_SKIPPED
from shared.domain.providers import label, suffixed
from shared.domain.removal import held_incident
from shared.domain.runs import (
    REJECTIONS_TO_PAUSE,
    RunState,
    is_paused,
    next_probe,
    rejections_after,
)
from shared.domain.wording import counted
from shared.errors import CredentialsRejected, ListingIncomplete, OrgError, Owner, SyncSamError
from shared.services.alerts import Alerts
from shared.services.runs.failure import run_error
from shared.services.sync.org_status import (
    UNMATCHED,
    OrdersWithoutCustomers,
    Standing,
    how_to_decide,
    orders_of,
    status_fields,
    waiting,
    why_unmatched,
)
from shared.services.sync.pos_locations import ConfiguredOrg
from shared.services.sync.session import Session
from shared.store import status
from shared.store.database import Database, Write
from shared.store.manifest import QUARANTINED, SKIPPED, STORED
from shared.store.runs import Run
from shared.store.status import RecordCounts, StreamStanding, SyncProgress

BY_ITSELF = ("cron", "webhook")
"""Triggers that leave a paused org alone. A person who asks for a sync gets one at once."""

PAUSED = "sync_paused"
REMOVING: tuple[StreamName, ...] = ("customers", "orders", "products")
"""Streams whose records are removed."""
LIST_INCOMPLETE = "stock_list_incomplete"
GIVEN_UP = "run_given_up"
FAILING = "run_keeps_failing"

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


def is_resting(database: Database, org_id: str, trigger: Trigger, now: datetime) -> bool:
    """Whether a run of that trigger is not to be: the org is paused and not due for a probe."""
    if trigger not in BY_ITSELF:
        return False
    until = status.paused_until(database, org_id)
    return until is not None and now < until


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


def end_provider(session: Session, alerts: Alerts, following: str) -> None:
    """The run is done with the session's provider, one of several, and goes on with the
    ``following``: from here on a crash repeats nothing of the first."""
    _settle_progress(session, alerts, one_of_many=True)

    def last() -> list[Write]:
        session.run.work_at(session.provider)
        _note_outcome(session, session.now())
        session.run.work_at(following)
        return []

    session.close(last)


def end_run(session: Session, alerts: Alerts, standing: Standing, org: ConfiguredOrg) -> None:
    """End a run whose last provider is the session's: raise or resolve incidents, write the status
    of the org, whose providers are shown in the order of its locations."""
    standing = {n: standing[n] for n in dict.fromkeys([*org.providers, session.provider])}
    _settle_progress(session, alerts, one_of_many=len(standing) > 1)
    run = session.run

    def last() -> list[Write]:
        now = session.now()
        set_last_state(run, now=now)
        _note_outcome(session, now)
        return [status.put(session.org_id, status_fields(session, standing, org.name, now))]

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
    for stream in run.done:
        found = (e for e in run.errors if e.stream == stream and e.concerns(session.provider))
        before = progress.streams.get(stream, StreamStanding())
        error = next(found, None)
        succeeded_at = before.last_success_at if error else now
        progress.streams[stream] = StreamStanding(last_success_at=succeeded_at, error=error)
    if is_paused(progress.credential_failures):
        progress.next_try_at = progress.next_try_at or next_probe(now)
    progress.counts = RecordCounts(
        customers=manifests["customers"].count(STORED),
        orders=manifests["orders"].count(STORED),
        menu_products=manifests["products"].count(STORED),
        orders_skipped=manifests["orders"].count(SKIPPED),
        quarantined=sum(m.count(QUARANTINED) for m in manifests.values()),
    )
    if progress.error is None and not why_unmatched(run):
        progress.last_success_at = now


def set_last_state(run: Run, *, now: datetime) -> None:
    """Set the state in which the run ends, and the error that explains it where it needs one."""
    run.ended_at, run.error = now, None  # that of a delivery before this one is over
    totals = run.totals.items()
    quarantined = {name: t.quarantined for name, t in totals if t.quarantined}
    unmatched = next(filter(None, map(why_unmatched, run.work.values())), None)
    if run.errors:
        run.error = run.errors[0]
        complete = any(_complete(run, provider) for provider in run.work)
        run.state = RunState.PARTIAL if complete else RunState.FAILED
    elif unmatched:
        run.state = RunState.PARTIAL
        run.error = run_error(OrdersWithoutCustomers(unmatched), "orders")
    elif held := next((work.holds for work in run.work.values() if work.holds), None):
        run.state = RunState.HELD
        run.error = waiting(held)
    elif quarantined:
        run.state = RunState.PARTIAL
        counts = ", ".join(counted(count, name) for name, count in sorted(quarantined.items()))
        run.error = run_error(
            UnreadableRecords(f"{counts} could not be read: see the quarantine; the rest is in")
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
    met = {suffixed(session.provider, kind): told for kind, told in found.items()}
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


def _kind(provider: str, key: str) -> str:
    return key.removesuffix(suffixed(provider, ""))


def _incidents(run: Run, progress: SyncProgress) -> dict[str, tuple[str, str]]:
    """Title and body of each incident that the run met at the provider at hand, by its kind."""
    met = {}
    own = [error for error in run.errors if error.concerns(run.provider)]
    if is_paused(progress.credential_failures):
        met[PAUSED] = ("The sync is paused", own[0].message if own else "")
    for stream, hold in run.holds.items():
        met[held_incident(stream)] = (
            f"A removal of {stream} waits for a decision",
            f"{hold.reason}. {how_to_decide(hold)}",
        )
    if incomplete := _stock_list_incomplete(run):
        met[LIST_INCOMPLETE] = (
            "The POS's list of stock came incomplete",
            f"{incomplete} Nothing is removed: the menu stays as it was until the list is whole.",
        )
    if unmatched := why_unmatched(run):
        met[UNMATCHED] = ("Most orders match no customer", f"{unmatched}.")
    return met


def _is_over(key: str, run: Run) -> bool:
    """Whether an incident that the run did not meet is over: whether the run has looked."""
    if key == UNMATCHED:
        return orders_of(run).fetched >= MANY_SKIPPED
    stream = next((s for s in REMOVING if key == held_incident(s)), None)
    if key == LIST_INCOMPLETE:
        stream = "products"
    return stream is None or (stream in run.done and not run.failed(stream))


def _stock_list_incomplete(run: Run) -> str | None:
    code = ListingIncomplete.code
    failures = (e for e in run.errors if e.concerns(run.provider) and e.code == code)
    return next((e.message for e in failures if e.stream == "products"), None)
