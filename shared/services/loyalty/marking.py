"""Whom a run concerns: what may have changed, and whom nobody asked about for a week."""

from datetime import datetime, timedelta

import structlog

from shared.bus.messages import Loyalty
from shared.domain.loyalty_work import LoyaltyEntry, LoyaltyWork, is_due
from shared.store import customers, loyalty
from shared.store.database import Database
from shared.store.loyalty_runs import LoyaltyProgress, LoyaltyRun, LoyaltyState

OVERLAP = timedelta(minutes=10)
"""Spending is looked at from so long before the last run: it may be written late, and by a clock
that is behind."""

log = structlog.get_logger(__name__)


def mark(
    database: Database,
    message: Loyalty,
    run: LoyaltyRun,
    progress: LoyaltyProgress,
    state: LoyaltyState,
    *,
    account: str,
    rules: str,
) -> None:
    """Mark in ``state`` what is to be done for whom; nothing is written yet.

    Named customers are looked up. Else everybody is, in a first or ``full`` run and after a
    change of account; otherwise those whose spending, merchant's flag or existence changed, and
    those who are due. After a change of the org's programme all are reckoned anew.
    """
    if message.customer_ids is not None:
        for customer_id in message.customer_ids:
            state.put(customer_id, state.get(customer_id).asked_for(LoyaltyWork.LOOK_UP))
    else:
        since = progress.marked_at
        run.everybody = message.full or since is None or progress.account != account
        _agree_with_customers(database, message.org_id, state, scan=run.everybody)
        if since is not None:
            _changed_spending(database, message.org_id, state, since - OVERLAP)
        _changed_equity(database, message.org_id, state)
        today = run.started_at.date() if account else None
        least = LoyaltyWork.CALCULATE if progress.rules != rules else LoyaltyWork.NONE
        least = LoyaltyWork.LOOK_UP if run.everybody else least
        for customer_id, entry in state.items():
            due = today is not None and is_due(customer_id, entry, today)
            state.put(
                customer_id, entry.asked_for(max(least, LoyaltyWork.REFRESH if due else least))
            )
        progress.marked_at, progress.account, progress.rules = run.started_at, account, rules
    run.marked = True
    run.counts.customers = sum(1 for _, entry in state.items() if entry.work)
    log.info("loyalty_marked", customers=run.counts.customers, everybody=run.everybody)


def _agree_with_customers(
    database: Database, org_id: str, state: LoyaltyState, *, scan: bool
) -> None:
    """Give every customer an entry and forget those who are gone. Unless ``scan`` is asked for,
    the customers are only counted, and listed where the count differs."""
    if not scan and customers.count_all(database, org_id) == len(state):
        return
    ids = loyalty.ids(database, org_id)
    state.keep_entries(ids)
    for customer_id in ids:
        if customer_id not in state:
            state.put(customer_id, LoyaltyEntry(work=LoyaltyWork.LOOK_UP))


def _changed_spending(
    database: Database, org_id: str, state: LoyaltyState, since: datetime
) -> None:
    for customer_id, spent_cents, orders in loyalty.spending_since(database, org_id, since):
        entry = state.get(customer_id)
        same = (entry.spent_cents, entry.orders) == (spent_cents, orders)
        if not same or customer_id not in state:
            state.put(customer_id, entry.asked_for(LoyaltyWork.LOOK_UP))


def _changed_equity(database: Database, org_id: str, state: LoyaltyState) -> None:
    flagged = loyalty.ids(database, org_id, loyalty.SOCIAL_EQUITY)
    for customer_id, entry in state.items():
        if entry.equity != (customer_id in flagged):
            state.put(customer_id, entry.asked_for(LoyaltyWork.LOOK_UP))
