"""Where a customer stands."""

from datetime import UTC, datetime, timedelta

from shared.domain.customer_scores import ScoringScales, customer_scores
from shared.domain.rfm import Rfm, RfmScore, RfmThresholds, quantile_scale
from shared.domain.segmentation import Segment
from shared.domain.spending import Spending

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
SPENT = Spending(
    300_00,
    3,
    first_order_at=NOW - timedelta(days=90),
    last_order_at=NOW - timedelta(days=10),
)


def test_all_that_follows_from_what_somebody_spent_is_as_of_one_moment() -> None:
    standing = customer_scores(SPENT, ScoringScales(), NOW)

    assert standing.segment.segment is Segment.RETURNING
    assert standing.predicted_cents == 900_00
    assert standing.rfm == Rfm(10, 3, 300_00, NOW)
    assert standing.by_threshold == RfmScore(5, 3, 3, NOW)
    assert standing.by_quantile is None


def test_the_same_spending_stands_elsewhere_once_time_has_passed() -> None:
    later = NOW + timedelta(days=90)

    standing = customer_scores(SPENT, ScoringScales(), later)

    assert standing.segment.segment is Segment.CHURNED
    assert standing.predicted_cents == 300_00
    assert standing.by_threshold == RfmScore(1, 3, 3, later)


def test_an_order_dated_in_the_future_counts_as_one_of_today() -> None:
    # Given the same spending, with its last order today and in thirty years
    today, ahead = (
        Spending(300_00, 5, first_order_at=NOW - timedelta(days=90), last_order_at=NOW + later)
        for later in (timedelta(0), timedelta(days=365 * 30))
    )
    scales = ScoringScales(quantiles=quantile_scale([Rfm(10, 3, 300_00, NOW)], NOW))

    assert customer_scores(ahead, scales, NOW) == customer_scores(today, scales, NOW)


def test_somebody_without_a_counted_order_has_no_rfm() -> None:
    scale = quantile_scale([Rfm(10, 3, 300_00, NOW)], NOW)

    standing = customer_scores(Spending(), ScoringScales(quantiles=scale), NOW)

    assert standing.segment.segment is Segment.NEW
    assert (standing.rfm, standing.by_threshold, standing.by_quantile) == (None, None, None)


def test_an_orgs_own_scales_score() -> None:
    # Given an org's own bounds, and a scale in which they are the best of five
    own = RfmThresholds((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4))
    scale = quantile_scale([Rfm(10 + n, 3 - n, 300_00 - n, NOW) for n in range(5)], NOW)

    standing = customer_scores(SPENT, ScoringScales(own, scale), NOW)

    assert standing.by_threshold == RfmScore(1, 4, 5, NOW)
    assert standing.by_quantile == RfmScore(5, 5, 5, NOW)
