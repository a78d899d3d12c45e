"""Looking up spending: two tiers, then Firestore's own counts and sums, then "unknown"."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.spending import OrderFact, Spending, fold
from shared.services.spending.look_up import KnownSpending, SpendingLookUp, SpendingSource
from shared.store import orders as orders_store
from shared.store.database import Database
from tests.emulator.customers.shop import NOW, ORG, Shop

DAY = timedelta(days=1)


def known(cents: int, source: SpendingSource, *ids: str, count: int = 1) -> KnownSpending:
    at = NOW - 10 * DAY
    return KnownSpending(Spending(cents, count, at, at), source, ids)


def test_the_e_mail_comes_first_then_the_customer_then_the_orders(shop: Shop) -> None:
    # Given: two records with one e-mail; a third was never computed
    shop.customer("1", email="ada@example.com")
    shop.customer("2", email="ada@example.com")
    shop.customer("3", email="noor@example.com")
    for number in "123":
        shop.order(number, number, 50)
    shop.compute("1", "2")
    look_up = SpendingLookUp(shop.database)
    # When / Then
    both = known(100_00, SpendingSource.EMAIL, "1", count=2)
    assert look_up.find(ORG, email=" Ada@Example.com ", customer_id="2") == both
    assert look_up.find(ORG, customer_id="2") == known(50_00, SpendingSource.CUSTOMER, "2")
    placeholder = look_up.find(ORG, email="no-email@alleaves.local", customer_id="2")
    assert placeholder == known(50_00, SpendingSource.CUSTOMER, "2")
    assert look_up.find(ORG, email="x@example.com", customer_id="3") == known(
        50_00, SpendingSource.ORDERS, "3"
    )
    assert look_up.find(ORG, email="noor@example.com") == known(50_00, SpendingSource.ORDERS, "3")
    each = look_up.of_each(ORG, ["3", "1"])
    assert {i: spent.total_cents for i, spent in each.items()} == {"1": 50_00, "3": 50_00}


def test_a_customer_without_orders_is_known_to_have_spent_nothing(shop: Shop) -> None:
    # When
    found = SpendingLookUp(shop.database).find(ORG, customer_id="404")
    # Then
    assert found == KnownSpending(Spending(), SpendingSource.ORDERS, ("404",))


@pytest.mark.parametrize("ask", [{"customer_id": "1"}, {"email": "ada@example.com"}])
def test_a_time_out_is_unknown_never_zero(silent_database: Database, ask: dict[str, str]) -> None:
    # Given
    look_up = SpendingLookUp(silent_database, seconds=0.5)
    started = time.monotonic()
    # When
    found = look_up.find(ORG, **ask)
    # Then
    assert found is None
    assert look_up.of_person(ORG, "1") is None
    assert look_up.of_each(ORG, ["1"]) == {}
    assert time.monotonic() - started < 5


def test_a_live_look_up_reads_a_few_documents_of_many(shop: Shop) -> None:
    # Given
    batch = shop.client.batch()
    for number in range(400):
        order = {"customerId": "1", "status": "completed", "type": "delivery", "total": 1.1}
        at = NOW - timedelta(hours=number)
        batch.set(shop.orders_collection.document(str(number)), {**order, "createdAt": at})
    batch.commit()
    reads = shop.database.meter.reads
    # When
    found = SpendingLookUp(shop.database).find(ORG, customer_id="1")
    # Then
    assert found
    assert found.spending == Spending(440_00, 400, NOW - timedelta(hours=399), NOW)
    assert shop.database.meter.reads - reads <= 50


orders = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["completed", "ready", "cancelled", "pending", "lost"]),
            "type": st.sampled_from(["in_store", "delivery"]),
            "total": st.integers(-5000, 9999).map(lambda cents: cents / 100),
            "createdAt": st.integers(0, 4).map(lambda days: NOW - days * DAY),
        },
        optional={"note": st.none()},
    ),
    max_size=6,
)


@given(found=orders, without_status=st.sets(st.integers(0, 5)))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_firestores_own_sums_equal_the_fold(
    client: Client, found: list[dict[str, Any]], without_status: set[int]
) -> None:
    # Given
    org_id = f"org_{datetime.now(UTC).timestamp()}"
    collection = client.collection(f"tenants/{org_id}/orders")
    facts = []
    for number, order in enumerate(found):
        fields = {**order, "customerId": "1"}
        if number in without_status:
            del fields["status"]
        collection.document(str(number)).set(fields)
        collection.document(f"{number}-other").set({**order, "customerId": "2"})
        cents = round(order["total"] * 100)
        facts.append(OrderFact(fields.get("status"), order["type"], cents, order["createdAt"]))
    # When
    spent = orders_store.spending_of(Database(client), org_id, "1")
    # Then
    assert spent == fold(facts)
