"""The org as large as the recorded one: everything arrives, and nothing changed costs nothing."""

from datetime import UTC, datetime
from decimal import Decimal

from deploy.local.simulator.truth import Truth
from tests.emulator.sync.world import MENU, World

ORG = "org_large"


def test_every_record_arrives_and_an_unchanged_sync_writes_none(large: World) -> None:
    # When the org is synced for the first time
    run = large.sync(ORG)
    large.compute_spending()

    # Then everything the POS has is stored, or counted as skipped
    assert run["state"] == "succeeded"
    data = large.pos_data(ORG)
    customers = large.documents(f"tenants/{ORG}/customers")
    orders = large.documents(f"tenants/{ORG}/orders")
    assert len(customers) == 2_527
    assert set(customers) == {str(c["id_customer"]) for c in data["customers"]}
    status = large.status(ORG)
    assert len(orders) + status["ordersSkipped"] == len(data["orders"]) == 2_689
    assert len(large.documents(f"tenants/{ORG}/products")) == 374
    assert len(large.documents(f"tenants/{ORG}/{MENU}")) == 374
    assert (status["customersCount"], status["menuProductsCount"]) == (2_527, 374)

    # and every order is its own customer's, by a matching made independently
    truth = Truth(data, "America/New_York")
    expected = {
        f"alleaves_{order_id}": str(buyer)
        for order_id, buyer in truth.buyers.items()
        if buyer is not None
    }
    assert {key: order["customerId"] for key, order in orders.items()} == expected

    # and of every order that is nobody's it is stored why, by that matching's own rule
    skipped = large.documents(f"tenants/{ORG}/skipped_orders")
    reasons = {f"alleaves_{order_id}": reason for order_id, reason in truth.skip_reasons.items()}
    assert {key: order["reason"] for key, order in skipped.items()} == reasons
    assert len(skipped) == sum(run["streams"]["orders"]["skippedReasons"].values()) == 60

    # and spending and segment are those of a recomputation made independently
    now = datetime.now(UTC)
    for customer_id, figures in truth.figures.items():
        stored = customers[str(customer_id)]
        assert Decimal(str(stored["totalSpent"])) == figures.spent, customer_id
        assert stored["orderCount"] == len(figures.moments)
        assert stored.get("lastOrderDate") == max(figures.moments, default=None)
        assert stored["segment"] == figures.segment(now)

    # When nothing has changed and it is synced again
    before = large.records(ORG)
    unchanged = large.sync(ORG)

    # Then no record is written, and next to nothing is spent
    assert large.records(ORG) == before
    assert large.spending_asked.take() == []
    assert unchanged["cost"]["writes"] <= 6
    assert unchanged["cost"]["reads"] <= 25
    assert unchanged["cost"]["deletes"] == 0

    # When one order of yesterday changes at the POS
    newest = max(
        (o for o in data["orders"] if o.get("status") == "completed" and o["id_customer"]),
        key=lambda o: o["date_created"],
    )
    writes_before = large.database.meter.writes
    changed_at = datetime.now(UTC).isoformat()
    large.change(ORG, "orders", newest["id_order"], total=999.99, date_updated=changed_at)
    changed = large.sync(ORG)
    large.compute_spending()

    # Then it costs a dozen writes at the most, spending included
    assert large.document(f"tenants/{ORG}/orders/alleaves_{newest['id_order']}")["total"] == 999.99
    spending_writes = large.database.meter.writes - writes_before
    assert changed["streams"]["orders"]["updated"] == 1
    assert changed["cost"]["writes"] + spending_writes <= 12
