"""What people must hear of when a run ends, and what they need to worry about no longer."""

from shared.domain.pause import is_paused
from shared.errors import ListingIncomplete
from shared.services.alerts import Alerts
from shared.services.sync.session import Session
from shared.store.runs import Run

PAUSED = "sync_paused"
HELD = "removal_held"
LIST_INCOMPLETE = "stock_list_incomplete"
GIVEN_UP = "run_given_up"


def tell(session: Session, alerts: Alerts) -> None:
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
