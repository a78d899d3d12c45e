"""Predicted lifetime value: what was spent, and what the same habit still brings."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from shared.domain.segmentation import Segment, whole_days
from shared.domain.spending import Spending

MONTHS_AHEAD = {
    Segment.VIP: 24,
    Segment.LOYAL: 18,
    Segment.RETURNING: 6,
    Segment.NEW: 6,
    Segment.AT_RISK: 3,
    Segment.CHURNED: 0,
}
"""For how many months the habit of a customer of this segment is taken to last."""

DAYS_A_MONTH = 30


def predicted_lifetime_cents(spending: Spending, segment: Segment, now: datetime) -> int:
    """Spent + orders per month x MONTHS_AHEAD x average order value, half up to the cent.

    The months of "orders per month" are those since the first order, of 30 days each and at least
    one: a first order yesterday is not thirty orders a month. On the day of the first order, and
    for somebody who has spent nothing, the value is what was spent. The average is not rounded on
    the way, so the number of orders cancels out.
    """
    spent = spending.total_cents
    if spending.first_order_at is None or spent <= 0:
        return spent
    days = whole_days(spending.first_order_at, now)
    if days == 0:
        return spent
    ahead = Decimal(spent * DAYS_A_MONTH * MONTHS_AHEAD[segment]) / max(days, DAYS_A_MONTH)
    return spent + int(ahead.quantize(Decimal(1), rounding=ROUND_HALF_UP))
