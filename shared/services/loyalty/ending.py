"""How a loyalty run ends: who is told of the differences, and what the run says of itself."""

from datetime import datetime

import structlog

from shared.domain.ids import natural_key
from shared.domain.loyalty_work import Review
from shared.domain.runs import RunState
from shared.errors import SyncSamError
from shared.services.alerts import Alerts
from shared.services.loyalty.session import LoyaltySession
from shared.store import loyalty, loyalty_runs
from shared.store.database import Database, Put
from shared.store.runs import RunError

LISTED = 20
"""Customers that an alert lists one by one."""

log = structlog.get_logger(__name__)


class LoyaltyRunAbandoned(SyncSamError):
    """The worker of a run stopped without a word and nobody took the run up."""

    code = "loyalty_run_abandoned"


def run_error(error: SyncSamError) -> RunError:
    """An error as a run keeps it."""
    return RunError(code=error.code, owner=error.owner, message=str(error))


def end(session: LoyaltySession) -> None:
    """Set the run's last state: without Alpine IQ's word all is reckoned, but it is partial."""
    run, now = session.run, session.clock()
    run.ended_at = now
    if run.error is None:
        run.state = RunState.SUCCEEDED
    else:
        run.state = RunState.PARTIAL if run.marked else RunState.FAILED
    session.progress.last_run_id = session.run_id
    if run.marked:
        session.progress.last_sync_at = now


def close_abandoned(database: Database, org_id: str, run_id: str, now: datetime) -> list[Put]:
    """The write that ends a run whose worker died, if it has not ended. What it left undone is
    still marked: the next run does it."""
    run = loyalty_runs.read(database, org_id, run_id)
    if run is None or run.state.ended:
        return []
    run.state, run.ended_at = RunState.FAILED, now
    run.error = run_error(LoyaltyRunAbandoned("the run's worker stopped without a word"))
    return [loyalty_runs.put(org_id, run_id, run)]


def notify_differences(session: LoyaltySession, alerts: Alerts) -> None:
    """One alert for all the differences that nobody has been told of.

    Its key is the run's: a crash after it was sent tells nobody twice. It is over when the next
    one goes out, or when no difference is left.
    """
    state, progress, run = session.state, session.progress, session.run
    reviews = {i: entry.review for i, entry in state.items() if entry.review is not Review.NO}
    new = sorted((i for i, review in reviews.items() if review is Review.NEW), key=natural_key)
    before, now = progress.alert, progress.alert
    if new:
        now = f"loyalty_{session.run_id}"
        alerts.raise_(session.org_id, now, *_text(session, new, len(reviews)))
        run.counts.newly_in_review = len(new)
        for customer_id in new:
            state.put(customer_id, state.get(customer_id).reported())
    elif before and reviews:
        # Nothing new: only an address that could not be reached so far is tried again.
        alerts.raise_(session.org_id, before, *_text(session, [], len(reviews)))
    elif before:
        now = None
    if before and before != now:
        alerts.resolve(session.org_id, before)
    progress.alert = now


def _text(session: LoyaltySession, new: list[str], in_review: int) -> tuple[str, str]:
    title = f"Customers whose loyalty points differ from Alpine IQ's: {len(new) or in_review}"
    customers = loyalty.customers(session.database, session.org_id, new[:LISTED])
    lines = [
        f"Customer {customer.id}: {fields.get('pointsFromOrders')} from orders,"
        f" {fields.get('pointsFromAlpine')} at Alpine IQ"
        for customer in customers
        if (fields := customer.fields)
    ]
    if len(new) > LISTED:
        lines.append(f"and {len(new) - LISTED} more")
    lines.append(f"In review altogether: {in_review}. Alpine IQ's figures stand meanwhile.")
    return title, "\n".join(lines)
