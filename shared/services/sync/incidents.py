"""What people are told of when a sync run ends: pauses, held removals, incomplete stock lists.

An org whose POS refuses its credentials in several runs in a row is paused: it is tried once a day
until they are corrected.
"""

from collections.abc import Sequence
from datetime import datetime

from shared.bus.messages import Trigger
from shared.domain.runs import REJECTIONS_TO_PAUSE, is_paused, rejections_after
from shared.errors import CredentialsRejected, ListingIncomplete, OrgError
from shared.services.alerts import Alerts
from shared.services.runs.failure import run_error
from shared.services.sync.session import Session
from shared.store import status
from shared.store.database import Database
from shared.store.runs import Run

BY_ITSELF = ("cron", "webhook")
"""Triggers that leave a paused org alone. A person who asks for a sync gets one at once."""


class SyncPaused(OrgError):
    """The sync rests until the credentials are corrected."""

    code = "sync_paused"


def is_resting(database: Database, org_id: str, trigger: Trigger, now: datetime) -> bool:
    """Whether a run of that trigger is not to be: the org is paused and not due for a probe."""
    if trigger not in BY_ITSELF:
        return False
    until = status.paused_until(database, org_id)
    return until is not None and now < until


def count_rejection(session: Session, wanted: Sequence[str]) -> None:
    """Count the run among those that the POS refused, or end their row; where the org is paused
    for it, put first among the run's errors what is to be done."""
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


PAUSED = "sync_paused"
HELD = "removal_held"
LIST_INCOMPLETE = "stock_list_incomplete"
GIVEN_UP = "run_given_up"


def notify(session: Session, alerts: Alerts) -> None:
    """Raise the incidents that the run met, resolve those it found to be over.

    They are noted in the org's progress before anybody is told, and crossed out after: a crash
    in between only tells again, and the note keeps a quiet org from costing a read.
    """
    run, progress = session.run, session.progress
    met = {}
    if is_paused(progress.credential_failures):
        met[PAUSED] = ("The sync is paused", run.errors[0].message)
    if run.held:
        met[HELD] = (
            "A removal of products waits for a decision",
            f"{run.held}. If it is right, sync with allowDeletions; else correct it at the POS.",
        )
    if incomplete := _stock_list_incomplete(run):
        met[LIST_INCOMPLETE] = (
            "The POS's list of stock came incomplete",
            f"{incomplete} Nothing is removed: the menu stays as it was until the list is whole.",
        )
    noted = {*progress.incidents, *met}
    over = noted - met.keys()
    if "products" not in run.done or run.failed("products"):
        over -= {HELD, LIST_INCOMPLETE}
    if noted != set(progress.incidents):
        progress.incidents = sorted(noted)
        session.checkpoint()
    for key, (title, body) in met.items():
        alerts.raise_(session.org_id, key, title, body)
    for key in over:
        alerts.resolve(session.org_id, key)
    progress.incidents = sorted(noted - over)


def _stock_list_incomplete(run: Run) -> str | None:
    code = ListingIncomplete.code
    told = (e.message for e in run.errors if e.stream == "products" and e.code == code)
    return next(told, None)
