"""Issue 5's first line: 245 contacts at Alpine IQ, of whom 5 differ."""

import pytest

from shared.store import loyalty
from tests.emulator.loyalty.world import LoyaltyWorld

ORG = "org_large"


@pytest.mark.timeout(400)
def test_240_of_245_are_reconciled_and_one_alert_lists_the_other_5(large: LoyaltyWorld) -> None:
    # When
    run = large.reconcile(ORG)

    # Then
    counts = loyalty.counts(large.database, ORG)
    assert counts.total_customers == counts.with_calculated_points == 2527
    assert (counts.with_alpine_sync, counts.reconciled, counts.needs_review) == (245, 240, 5)
    assert run["state"] == "succeeded"
    assert run["counts"]["newlyInReview"] == 5
    # and one alert lists the 5 with both figures
    (body,) = large.told.bodies
    in_review = loyalty.in_review(large.database, ORG)
    assert len(in_review) == 5
    for customer in in_review:
        figures = customer.fields["pointsFromOrders"], customer.fields["pointsFromAlpine"]
        assert f"Customer {customer.id}: {figures[0]} from orders, {figures[1]} at" in body

    # When it runs again
    again = large.reconcile(ORG)

    # Then nobody is told anything, and nothing is written but the run's own documents
    assert len(large.told.bodies) == 1
    assert again["counts"]["asked"] == again["counts"]["customers"] == 0
    assert again["cost"]["writes"] <= 5
    assert loyalty.counts(large.database, ORG) == counts
