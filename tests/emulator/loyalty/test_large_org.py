"""245 contacts at Alpine IQ, of whom 5 differ."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from deploy.local.simulator.spec import OrgSpec, named_orgs
from shared.store import loyalty as loyalty_store
from shared.store.database import Database
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.fakes import OffsetClock, RecordingNotifier

ORG = "org_large"
CUSTOMERS, ORDERS = 700, 760
"""Of so many in more than ten batches, and of all of them the orders are read in one scan."""


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    (large,) = (spec for spec in named_orgs(1) if spec.id == ORG)
    return [large.model_copy(update={"customers": CUSTOMERS, "orders": ORDERS})]


@pytest.mark.timeout(400)
def test_240_of_245_are_reconciled_and_one_alert_lists_the_other_5(
    database: Database, clock: OffsetClock, notifier: RecordingNotifier, loyalty: LoyaltyRunner
) -> None:
    # When
    clock.later = timedelta(days=1)
    run = loyalty.reconcile(ORG)

    # Then
    counts = loyalty_store.counts(database, ORG)
    assert counts.total_customers == counts.with_calculated_points == CUSTOMERS
    assert (counts.with_alpine_sync, counts.reconciled, counts.needs_review) == (245, 240, 5)
    assert run["state"] == "succeeded"
    assert run["counts"]["newlyInReview"] == 5
    # and one alert lists the 5 with both figures
    (body,) = notifier.bodies
    in_review = loyalty_store.in_review(database, ORG)
    assert len(in_review) == 5
    for customer in in_review:
        figures = customer.fields["pointsFromOrders"], customer.fields["pointsFromAlpine"]
        assert f"Customer {customer.id}: {figures[0]} from orders, {figures[1]} at" in body

    # When it runs the night after
    clock.later = timedelta(days=2)
    again = loyalty.reconcile(ORG)

    # Then nobody is notified, and of each customer only the moment of calculation is written
    assert len(notifier.bodies) == 1
    assert again["counts"]["asked"] == again["counts"]["unchanged"] == CUSTOMERS
    batches = CUSTOMERS / 50 + 16
    assert again["cost"]["writes"] <= CUSTOMERS + 2 * 3 * batches
    # and few orders are read: those of the customers whose day it is
    assert again["cost"]["reads"] <= CUSTOMERS + ORDERS / 4 + 60
    assert loyalty_store.counts(database, ORG) == counts
