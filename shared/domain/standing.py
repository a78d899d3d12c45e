"""Where a customer stands at a moment: all that follows from their spending and the date."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.lifetime_value import predicted_lifetime_cents
from shared.domain.rfm import (
    DEFAULT_THRESHOLDS,
    QuantileScale,
    Rfm,
    RfmScore,
    RfmThresholds,
    rfm_of,
    threshold_score,
)
from shared.domain.segmentation import Segmented, segment_of
from shared.domain.spending import Spending


@dataclass(frozen=True, slots=True)
class Scales:
    """What RFM figures are scored by. There are no quantiles until everybody was looked at."""

    thresholds: RfmThresholds = DEFAULT_THRESHOLDS
    quantiles: QuantileScale | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Segment, predicted lifetime value and RFM; no RFM without a counted order."""

    segment: Segmented
    predicted_cents: int
    rfm: Rfm | None
    by_threshold: RfmScore | None
    by_quantile: RfmScore | None


def standing_of(spending: Spending, scales: Scales, now: datetime) -> Standing:
    """Where somebody who has spent that stands at ``now``."""
    segment = segment_of(
        order_count=spending.order_count,
        spent_cents=spending.total_cents,
        last_order_at=spending.last_order_at,
        now=now,
    )
    rfm = rfm_of(spending, now)
    return Standing(
        segment=segment,
        predicted_cents=predicted_lifetime_cents(spending, segment.segment, now),
        rfm=rfm,
        by_threshold=threshold_score(rfm, scales.thresholds) if rfm else None,
        by_quantile=scales.quantiles.score(spending) if scales.quantiles else None,
    )
