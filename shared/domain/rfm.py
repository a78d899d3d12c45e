"""Recency, frequency and monetary value of customers, and their scores.

Recency: whole days since the last counted order. Frequency: number of counted orders. Monetary: the
sum spent, refunds taken off. A customer without a counted order has no RFM. Scores go from 1
(worst) to 5 (best).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
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
    """An org's bounds between the five scores: four each, ascending, else ConfigurationInvalid.

    Recency scores 5 up to and including the first bound in days, and 1 over the last. Frequency
    (orders) and monetary (cents) score 1 below the first bound, and 5 from the last one on.
    """

    recency_days: tuple[int, ...] = (14, 45, 60, 90)
    frequency: tuple[int, ...] = (2, 3, 5, 10)
    monetary_cents: tuple[int, ...] = (50_00, 150_00, 500_00, 1000_00)

    def __post_init__(self) -> None:
        for bounds in (self.recency_days, self.frequency, self.monetary_cents):
            ascending = all(low < high for low, high in pairwise(bounds))
            if len(bounds) != BEST - 1 or not ascending:
                raise ConfigurationInvalid("RFM thresholds are four ascending numbers each")

    def score(self, rfm: Rfm) -> RfmScore:
        """Scores by these fixed bounds."""
        return RfmScore(
            recency=BEST - bisect_left(self.recency_days, rfm.recency_days),
            frequency=1 + bisect_right(self.frequency, rfm.frequency),
            monetary=1 + bisect_right(self.monetary_cents, rfm.monetary_cents),
            as_of=rfm.as_of,
        )


DEFAULT_THRESHOLDS = RfmThresholds()


def rfm_of(spending: Spending, now: datetime) -> Rfm | None:
    """RFM at ``now``; None without a counted order."""
    if spending.last_order_at is None:
        return None
    return Rfm(
        recency_days=whole_days(spending.last_order_at, now),
        frequency=spending.order_count,
        monetary_cents=spending.total_cents,
        as_of=now,
    )


@dataclass(frozen=True, slots=True)
class QuantileScale:
    """Scores by a customer's place among all customers at ``as_of``.

    Each tuple holds, for the scores 2 to 5, the least figure that reaches it (None: none does).
    Recency is a negative number of days, so that for all three more is better.
    """

    recency: tuple[int | None, ...]
    frequency: tuple[int | None, ...]
    monetary: tuple[int | None, ...]
    as_of: datetime

    def score(self, spending: Spending) -> RfmScore | None:
        """Scores at ``as_of`` of a customer with that spending; None without a counted order."""
        rfm = rfm_of(spending, self.as_of)
        if rfm is None:
            return None
        return RfmScore(
            recency=_reached(self.recency, -rfm.recency_days),
            frequency=_reached(self.frequency, rfm.frequency),
            monetary=_reached(self.monetary, rfm.monetary_cents),
            as_of=self.as_of,
        )


def quantile_scale(population: Iterable[Rfm], as_of: datetime) -> QuantileScale:
    """The scale of a population, all of it as of that moment.

    The place is (number worse + half the number equal, oneself included) / number of all, and its
    fifths are the scores: equal figures get equal scores, the middle one where all are equal.
    """
    all_rfm = list(population)
    return QuantileScale(
        recency=_fifths(-rfm.recency_days for rfm in all_rfm),
        frequency=_fifths(rfm.frequency for rfm in all_rfm),
        monetary=_fifths(rfm.monetary_cents for rfm in all_rfm),
        as_of=as_of,
    )


def _fifths(population: Iterable[int]) -> tuple[int | None, ...]:
    """The least figures that reach the scores 2 to 5; in integers: rounding could move a tie."""
    figures = sorted(population)
    least: dict[int, int] = {}
    for value in sorted(set(figures), reverse=True):
        places = bisect_left(figures, value) + bisect_right(figures, value)
        score = 1 + BEST * places // (2 * len(figures))
        least.update(dict.fromkeys(range(2, score + 1), value))
    return tuple(least.get(score) for score in range(2, BEST + 1))


def _reached(least: tuple[int | None, ...], figure: int) -> int:
    return 1 + sum(bound is not None and figure >= bound for bound in least)
