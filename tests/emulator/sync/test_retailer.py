"""An org at the simulated Lightspeed is stored as its own data says, by code that shares nothing
with the product."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from deploy.local.simulator.lightspeed.truth import RetailerTruth
from deploy.local.simulator.spec import OrgSpec
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed
from tests.stored import StoredDocuments

ORG = SMALL_RETAILER.id


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Nobody at Alleaves."""
    return ()


def truth_of(lightspeed: SimulatedLightspeed) -> RetailerTruth:
    return RetailerTruth({**lightspeed.data(ORG), "ecom": ()}, SMALL_RETAILER.timezone)


def synced(sync: SyncRunner, spending: SpendingRunner) -> None:
    run = sync.run(ORG)
    assert run["state"] == "succeeded", run["errors"]
    spending.compute_requested()


def require_stored(store: StoredDocuments, truth: RetailerTruth) -> None:
    found = store.documents(f"tenants/{ORG}/orders")
    orders = {key: row for key, row in found.items() if not row.get("removedFromPosAt")}
    assert {
        order_id: (row["customerId"], Decimal(str(row["total"])), row["channel"])
        for order_id, row in orders.items()
    } == {o.id: (o.customer_id, o.total, o.channel) for o in truth.orders.values()}
    numbers = {order_id: row.get("ecomNumber") for order_id, row in orders.items()}
    assert numbers == {order.id: order.ecom_number for order in truth.orders.values()}
    now = datetime.now(UTC)
    customers = store.documents(f"tenants/{ORG}/customers")
    assert {
        customer_id: (Decimal(str(row["totalSpent"])), row["orderCount"], row["segment"])
        for customer_id, row in customers.items()
    } == {
        customer_id: (figures.spent, len(figures.moments), figures.segment(now))
        for customer_id, figures in truth.figures.items()
    }


def test_orders_and_customers_are_those_of_the_retailer(
    sync: SyncRunner,
    spending: SpendingRunner,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
) -> None:
    # When
    synced(sync, spending)

    # Then
    truth = truth_of(lightspeed)
    require_stored(store, truth)
    assert store.status(ORG)["ordersSkipped"] == truth.skipped > 0


def test_what_happens_at_the_retailer_follows_with_the_next_sync(
    sync: SyncRunner,
    spending: SpendingRunner,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
) -> None:
    # Given
    synced(sync, spending)
    sales = [
        sale
        for sale in lightspeed.data(ORG)["sales"]
        if sale["status"] == "CLOSED" and sale["customer_id"] and not sale["deleted_at"]
        if sale["total_price_incl"] > 0
    ]

    # When: a sale is voided, another deleted, and every late eCom order arrives
    lightspeed.set_status(ORG, sales[-1]["id"], "VOIDED")
    lightspeed.delete(ORG, "sales", sales[-2]["id"])
    arrived = lightspeed.let_arrive(ORG)
    synced(sync, spending)

    # Then
    assert len(arrived) == SMALL_RETAILER.late
    require_stored(store, truth_of(lightspeed))
    deleted = store.document(f"tenants/{ORG}/orders/lightspeed_{sales[-2]['id']}")
    assert deleted["removedFromPosAt"]


def test_notes_of_sales_are_stored_nowhere(
    sync: SyncRunner,
    spending: SpendingRunner,
    lightspeed: SimulatedLightspeed,
    store: StoredDocuments,
) -> None:
    # When
    synced(sync, spending)

    # Then
    notes = [
        line
        for sale in lightspeed.data(ORG)["sales"]
        for line in sale["note"].split("\n")[1:]
        if line
    ]
    everything = str(store.everything(ORG))
    assert len(notes) == SMALL_RETAILER.ecom_orders - SMALL_RETAILER.late
    assert not any(note in everything for note in notes)
    assert "Order ID" not in everything
