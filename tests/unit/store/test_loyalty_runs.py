"""What sums a loyalty run up, and what is written of customers."""

from datetime import UTC, datetime

from shared.domain.loyalty import LoyaltyRules, ProviderAnswer, ProviderStatus, reconcile
from shared.domain.runs import RunState
from shared.store import loyalty
from shared.store.database import Document
from shared.store.loyalty_runs import LoyaltyCounts, LoyaltyRun
from shared.store.spending import MISSING, CustomerSnapshot

BEGAN = datetime(2026, 3, 18, 6, 0, tzinfo=UTC)
RESULT = reconcile(450, ProviderAnswer(ProviderStatus.FOUND, 475, "7"), LoyaltyRules())


def run(**counts: int) -> LoyaltyRun:
    return LoyaltyRun(
        state=RunState.SUCCEEDED,
        started_at=BEGAN,
        provider_errors=3,
        counts=LoyaltyCounts(**counts),
    )


def customer(**fields: object) -> Document:
    return Document("7", fields, BEGAN, BEGAN, "tenants/org/customers/7")


def test_a_run_says_how_much_succeeded_and_how_far_the_figures_differ() -> None:
    document = run(updated=20, unchanged=180, unavailable=3, compared=40, discrepancy=110).document(
        "org", "run-1"
    )
    assert (document["successRate"], document["averageDiscrepancy"]) == (0.985, 2.75)
    assert document["providerErrors"] == 3


def test_a_run_without_customers_or_figures_says_neither() -> None:
    assert run().totals == {}
    assert run(updated=1).totals == {"successRate": 1.0}


def test_a_run_that_nobody_was_answered_in_succeeded_with_none() -> None:
    assert run(updated=2, unavailable=5).success_rate == 0.0


def test_of_a_customer_whose_points_are_stored_only_the_moment_is_written() -> None:
    # Given
    first = loyalty.changed_fields(customer(), RESULT)
    assert first.keys() == set(loyalty.OWNED)
    # When
    changed = loyalty.changed_fields(customer(**first), RESULT)
    update = loyalty.update("org", "7", changed, BEGAN)
    # Then
    assert changed == {}
    assert update.fields == {"pointsLastCalculated": BEGAN}


def test_a_number_that_nobody_is_assigned_makes_nobody_the_same_person() -> None:
    number = "+15551234567"
    filler = CustomerSnapshot("7", customer(phoneE164=number, phoneUnassigned=True), MISSING)
    usual = CustomerSnapshot("7", customer(phoneE164="+15185550123"), MISSING)
    assert (filler.contact.phone, usual.contact.phone) == (None, "+15185550123")
