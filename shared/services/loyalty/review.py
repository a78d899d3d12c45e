"""How a loyalty run ends: its last state, and the alert about points that differ."""

import structlog

from shared.domain.ids import natural_key
from shared.domain.loyalty_work import Review
from shared.domain.runs import RunState
from shared.services.alerts import Alerts
from shared.services.loyalty.session import LoyaltySession
from shared.store import loyalty

LISTED = 20
"""Customers that an alert lists one by one."""

log = structlog.get_logger(__name__)


def set_last_state(session: LoyaltySession) -> None:
    """Set the state in which the run ends: partial where points stand without Alpine IQ's."""
    run, now = session.run, session.clock()
    run.ended_at = now
    if run.error is None:
        run.state = RunState.SUCCEEDED
    else:
        run.state = RunState.PARTIAL if run.marked else RunState.FAILED
    session.progress.last_run_id = session.run_id
    if run.marked:
        session.progress.last_sync_at = now


def notify_differences(session: LoyaltySession, alerts: Alerts) -> None:
    """Send one alert for all new differences between the two figures.

    Its key is the run's, so that a crash after it was sent does not send it twice. It is resolved
    when the next one is sent, or when no difference is left.
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
