"""Who changes segment by waiting: exactly those behind a line."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.segmentation import (
    THRESHOLDS,
    Segment,
    SegmentThresholds,
    segment_boundaries,
    segment_of,
)

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def behind(
    segment: Segment,
    last_order_at: datetime,
    now: datetime,
    thresholds: SegmentThresholds = THRESHOLDS,
) -> bool:
    return any(
        segment in boundary.segments and last_order_at <= boundary.until
        for boundary in segment_boundaries(now, thresholds)
    )


@pytest.mark.parametrize(
    ("segment", "days", "crossed"),
    [
        (Segment.RETURNING, 45, False),
        (Segment.RETURNING, 46, True),
        (Segment.NEW, 46, True),
        (Segment.LOYAL, 59, False),
        (Segment.LOYAL, 60, True),
        (Segment.AT_RISK, 90, False),
        (Segment.AT_RISK, 91, True),
        (Segment.CHURNED, 900, False),
        (Segment.VIP, 900, False),
    ],
)
def test_the_lines_are_those_of_the_segments(segment: Segment, days: int, crossed: bool) -> None:
    # Given
    last_order_at = NOW - timedelta(days=days, hours=3)
    # When / Then
    assert behind(segment, last_order_at, NOW) is crossed


@given(
    thresholds=st.sampled_from(
        [THRESHOLDS, SegmentThresholds(loyal_days=20, at_risk_days=30, churned_days=40)]
    ),
    orders=st.integers(1, 12),
    cents=st.integers(0, 2000_00),
    seconds_before=st.integers(0, 120 * 86_400),
    seconds_waited=st.integers(0, 120 * 86_400),
)
def test_somebody_is_behind_a_line_exactly_if_waiting_has_changed_the_segment(
    thresholds: SegmentThresholds,
    orders: int,
    cents: int,
    seconds_before: int,
    seconds_waited: int,
) -> None:
    # Given
    last_order_at = NOW - timedelta(seconds=seconds_before)
    later = NOW + timedelta(seconds=seconds_waited)

    def segment(now: datetime) -> Segment:
        return segment_of(
            order_count=orders,
            spent_cents=cents,
            last_order_at=last_order_at,
            now=now,
            thresholds=thresholds,
        ).segment

    # When / Then
    crossed = behind(segment(NOW), last_order_at, later, thresholds)
    assert crossed is (segment(later) != segment(NOW))
