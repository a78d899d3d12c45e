"""A customer's scores at a moment: segment, predicted lifetime value and RFM.

All of them follow from spending and the date alone.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shared.domain.money import round_half_up
from shared.domain.rfm import QuantileScale, Rfm, RfmScore, RfmThresholds, rfm_of
from shared.domain.segmentation import Segment, Segmented, segment_of, whole_days
from shared.domain.spending import Spending

MONTHS_AHEAD = {
    Segment.VIP: 24,
    Segment.LOYAL: 18,
    Segment.RETURNING: 6,
    Segment.NEW: 6,
    Segment.AT_RISK: 3,
    Segment.CHURNED: 0,
}
"""For how many months a customer of a segment is expected to go on ordering as before."""

DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class ScoringScales:
    """What RFM is scored by. There are no quantiles until all customers were computed once."""

    thresholds: RfmThresholds = field(default_factory=RfmThresholds)
    quantiles: QuantileScale | None = None


@dataclass(frozen=True, slots=True)
class CustomerScores:
    """Segment, predicted lifetime value and RFM; no RFM without a counted order."""

    segment: Segmented
    predicted_cents: int
    rfm: Rfm | None
    by_threshold: RfmScore | None
    by_quantile: RfmScore | None


def customer_scores(spending: Spending, scales: ScoringScales, now: datetime) -> CustomerScores:
    """The scores at ``now`` of a customer who has spent that."""
    segment = segment_of(
        order_count=spending.order_count,
        spent_cents=spending.total_cents,
        last_order_at=spending.last_order_at,
        now=now,
    )
    rfm = rfm_of(spending, now)
    return CustomerScores(
        segment=segment,
        predicted_cents=predicted_lifetime_cents(spending, segment.segment, now),
        rfm=rfm,
        by_threshold=scales.thresholds.score(rfm) if rfm else None,
        by_quantile=scales.quantiles.score(spending) if scales.quantiles else None,
    )


def predicted_lifetime_cents(spending: Spending, segment: Segment, now: datetime) -> int:
    """Spent + orders per month x MONTHS_AHEAD x average order value, half up to the cent.

    The months are those since the first order, of 30 days each and at least one: a first order
    yesterday is not thirty orders a month. On the day of the first order, and where nothing was
    spent, the value is what was spent. The number of orders cancels out.
    """
    spent = spending.total_cents
    if spending.first_order_at is None or spent <= 0:
        return spent
    days = whole_days(spending.first_order_at, now)
    if days == 0:
        return spent
    ahead = Decimal(spent * DAYS_A_MONTH * MONTHS_AHEAD[segment]) / max(days, DAYS_A_MONTH)
    return spent + round_half_up(ahead)
