"""Recency, frequency and monetary value of customers, and their scores (issue 4, item 5).

Recency: whole days since the last counted order. Frequency: number of distinct counted orders.
Monetary: the sum spent, refunds taken off. Somebody without a counted order has no RFM.
Scores go from 1 (worst) to 5 (best). All carry the moment they are as of.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from shared.domain.segmentation import whole_days
from shared.domain.spending import Spending
from shared.errors import ConfigurationInvalid

BEST = 5


@dataclass(frozen=True, slots=True)
class Rfm:
    """The three figures of one customer at ``as_of`` (aware UTC)."""

    recency_days: int
    frequency: int
    monetary_cents: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class RfmScore:
    """The three scores of one customer at ``as_of``, each from 1 to 5."""

    recency: int
    frequency: int
    monetary: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class RfmThresholds:
    """An org's bounds between the five scores: four each, ascending.

    Recency scores 5 up to and including the first bound in days, and 1 over the last. Frequency
    (orders) and monetary (cents) score 1 below the first bound, and 5 from the last one on.
    Raises ConfigurationInvalid for another number of bounds or another order.
    """

    recency_days: tuple[int, ...] = (14, 45, 60, 90)
    frequency: tuple[int, ...] = (2, 3, 5, 10)
    monetary_cents: tuple[int, ...] = (50_00, 150_00, 500_00, 1000_00)

    def __post_init__(self) -> None:
        for bounds in (self.recency_days, self.frequency, self.monetary_cents):
            ascending = all(low < high for low, high in pairwise(bounds))
            if len(bounds) != BEST - 1 or not ascending:
                raise ConfigurationInvalid("RFM thresholds are four ascending numbers each")


DEFAULT_THRESHOLDS = RfmThresholds()


def rfm_of(spending: Spending, now: datetime) -> Rfm | None:
    """RFM at ``now``; None for somebody without a counted order."""
    if spending.last_order_at is None:
        return None
    return Rfm(
        recency_days=whole_days(spending.last_order_at, now),
        frequency=spending.order_count,
        monetary_cents=spending.total_cents,
        as_of=now,
    )


def threshold_score(rfm: Rfm, thresholds: RfmThresholds = DEFAULT_THRESHOLDS) -> RfmScore:
    """Score of one customer by fixed bounds."""
    return RfmScore(
        recency=BEST - bisect_left(thresholds.recency_days, rfm.recency_days),
        frequency=1 + bisect_right(thresholds.frequency, rfm.frequency),
        monetary=1 + bisect_right(thresholds.monetary_cents, rfm.monetary_cents),
        as_of=rfm.as_of,
    )


def quantile_scores(population: Mapping[str, Rfm]) -> dict[str, RfmScore]:
    """Score of every customer by their place among the others, by customer id.

    The place is (number worse + half the number equal, oneself included) / everybody: equal
    figures get equal scores, and where all are equal, all are in the middle. Fifths of it are the
    scores.
    """
    recency = _fifths(population, lambda rfm: -rfm.recency_days)
    frequency = _fifths(population, lambda rfm: rfm.frequency)
    monetary = _fifths(population, lambda rfm: rfm.monetary_cents)
    return {
        customer_id: RfmScore(
            recency=recency[-rfm.recency_days],
            frequency=frequency[rfm.frequency],
            monetary=monetary[rfm.monetary_cents],
            as_of=rfm.as_of,
        )
        for customer_id, rfm in population.items()
    }


def _fifths(population: Mapping[str, Rfm], figure: Callable[[Rfm], int]) -> dict[int, int]:
    """Score by figure, the higher the better; in integers, so that no rounding moves a tie."""
    figures = sorted(figure(rfm) for rfm in population.values())
    everybody = len(figures)
    return {
        value: 1
        + BEST * (bisect_left(figures, value) + bisect_right(figures, value)) // (2 * everybody)
        for value in set(figures)
    }
