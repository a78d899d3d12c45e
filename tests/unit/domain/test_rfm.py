"""RFM figures and scores."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.rfm import Rfm, RfmScore, RfmThresholds, quantile_scale, rfm_of
from shared.domain.spending import Spending
from shared.errors import ConfigurationInvalid

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def quantile_scores(population: dict[str, Rfm]) -> dict[str, RfmScore]:
    scale = quantile_scale(population.values(), NOW)
    scores = {key: scale.score(spending_of(one)) for key, one in population.items()}
    return {key: score for key, score in scores.items() if score}


def spending_of(one: Rfm) -> Spending:
    last = NOW - timedelta(days=one.recency_days)
    return Spending(one.monetary_cents, one.frequency, last, last)


def rfm(days: int = 10, orders: int = 3, cents: int = 10_000) -> Rfm:
    return Rfm(days, orders, cents, NOW)


def test_the_three_figures_are_days_orders_and_money() -> None:
    # Given
    last = NOW - timedelta(days=10, hours=23)
    # When / Then
    assert rfm_of(Spending(12_345, 4, last - timedelta(days=9), last), NOW) == rfm(10, 4, 12_345)


def test_nobody_without_a_counted_order_has_an_rfm() -> None:
    # Given: a refund alone is no order
    # When / Then
    assert rfm_of(Spending(total_cents=-500), NOW) is None


@pytest.mark.parametrize(
    ("figures", "scores"),
    [
        (rfm(0, 1, -100), (5, 1, 1)),
        (rfm(14, 2, 5_000), (5, 2, 2)),
        (rfm(15, 3, 15_000), (4, 3, 3)),
        (rfm(45, 4, 49_999), (4, 3, 3)),
        (rfm(46, 5, 50_000), (3, 4, 4)),
        (rfm(60, 1, 4_999), (3, 1, 1)),
        (rfm(60, 2, 14_999), (3, 2, 2)),
        (rfm(61, 9, 99_999), (2, 4, 4)),
        (rfm(90, 10, 100_000), (2, 5, 5)),
        (rfm(91, 500, 10**9), (1, 5, 5)),
    ],
)
def test_scores_by_threshold(figures: Rfm, scores: tuple[int, int, int]) -> None:
    # Given / When / Then
    assert RfmThresholds().score(figures) == RfmScore(*scores, as_of=NOW)


def test_an_org_sets_its_own_thresholds() -> None:
    # Given
    own = RfmThresholds((1, 2, 3, 4), (10, 20, 30, 40), (1, 2, 3, 4))
    # When / Then
    assert own.score(rfm(3, 30, 3)) == RfmScore(3, 4, 4, NOW)


@pytest.mark.parametrize("bounds", [(), (1, 2, 3), (1, 2, 3, 3), (4, 3, 2, 1), (1, 2, 3, 4, 5)])
def test_thresholds_are_four_ascending_numbers(bounds: tuple[int, ...]) -> None:
    # Given / When / Then
    with pytest.raises(ConfigurationInvalid):
        RfmThresholds(frequency=bounds)


def test_five_different_customers_get_the_five_scores() -> None:
    # Given
    population = {str(n): rfm(days=n, orders=n, cents=n) for n in range(5)}
    # When
    scores = quantile_scores(population)
    # Then: few days are good, many orders and much money too
    assert [scores[str(n)] for n in range(5)] == [
        RfmScore(5 - n, 1 + n, 1 + n, NOW) for n in range(5)
    ]


def test_a_scale_tells_the_least_figure_that_reaches_each_score_from_2_to_5() -> None:
    # Given: a population that can be read only once
    population = (rfm(days=n, orders=1 + n, cents=100 * n) for n in range(5))
    # When
    scale = quantile_scale(population, NOW)
    # Then
    assert scale.recency == (-3, -2, -1, 0)
    assert scale.frequency == (2, 3, 4, 5)
    assert scale.monetary == (100, 200, 300, 400)


def test_a_score_that_nobody_reaches_has_no_figure() -> None:
    # Given / When
    scale = quantile_scale([rfm(orders=3)] * 7, NOW)
    # Then
    assert scale.frequency == (3, 3, None, None)


def test_where_all_are_equal_all_are_in_the_middle() -> None:
    # Given / When
    scores = quantile_scores({str(n): rfm() for n in range(7)})
    # Then
    assert set(scores.values()) == {RfmScore(3, 3, 3, NOW)}


def test_nobody_has_no_scores() -> None:
    # Given / When / Then
    assert quantile_scores({}) == {}


def test_a_place_is_as_of_the_scale_however_late_it_is_asked() -> None:
    # Given: a scale of five customers, and one who ordered again after it was made
    scale = quantile_scale([rfm(days=n, orders=1 + n, cents=n) for n in range(5)], NOW)
    later = NOW + timedelta(days=30)
    # When
    score = scale.score(Spending(4, 5, NOW - timedelta(days=90), later))
    # Then
    assert score == RfmScore(5, 5, 5, as_of=NOW)
    assert scale.score(Spending(total_cents=-5)) is None


populations = st.dictionaries(
    st.text(max_size=3),
    st.builds(rfm, st.integers(0, 5), st.integers(1, 4), st.integers(-100, 100)),
    max_size=40,
)


@given(populations)
def test_a_quantile_score_is_the_fifth_in_which_the_average_rank_lies(
    population: dict[str, Rfm],
) -> None:
    # When
    scores = quantile_scores(population)
    # Then: recomputed by counting, one customer at a time
    assert scores.keys() == population.keys()
    for customer_id, one in population.items():
        worse = sum(other.recency_days > one.recency_days for other in population.values())
        equal = sum(other.recency_days == one.recency_days for other in population.values())
        place = Fraction(2 * worse + equal, 2 * len(population))
        assert scores[customer_id].recency == 1 + int(5 * place)


@given(populations)
def test_equal_figures_score_equally_and_better_ones_never_less(
    population: dict[str, Rfm],
) -> None:
    # When
    scores = quantile_scores(population)
    # Then
    for a, one in population.items():
        for b, other in population.items():
            if one.monetary_cents >= other.monetary_cents:
                assert scores[a].monetary >= scores[b].monetary
            if one.frequency >= other.frequency:
                assert scores[a].frequency >= scores[b].frequency
            if one.recency_days <= other.recency_days:
                assert scores[a].recency >= scores[b].recency


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_longer_absence_never_scores_more_by_threshold(days: int, more: int) -> None:
    # Given / When / Then
    usual = RfmThresholds()
    assert usual.score(rfm(days + more)).recency <= usual.score(rfm(days)).recency
