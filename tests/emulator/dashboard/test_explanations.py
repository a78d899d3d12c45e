"""Where figures come from, over HTTP and Firestore's own queries."""

from datetime import timedelta

from tests.emulator.customers.shop import ORG, Shop
from tests.emulator.dashboard.client import DashboardClient


def test_a_customers_total_is_that_of_the_orders_which_are_told_to_count(
    full_shop: Shop, dashboard: DashboardClient
) -> None:
    # Given a run that had begun before the customer was written
    began = full_shop.clock.now() - timedelta(minutes=1)
    run = {"state": "succeeded", "trigger": "cron", "startedAt": began}
    full_shop.client.document(f"tenants/{ORG}/sync_runs/run-1").set(run)
    # When
    found = dashboard.get("customers/1/explanation")
    # Then
    orders = found["spending"]["orders"]
    assert {order["orderId"]: order["effect"] for order in orders} == {
        "a": "counted",
        "b": "refund",
        "c": "status",
    }
    counted = sum(order["total"] for order in orders if order["counts"])
    assert (
        counted
        == found["spending"]["stored"]["totalSpent"]
        == full_shop.spent("cid_1")["totalSpent"]
    )
    assert found["spending"]["agrees"]
    assert found["segment"]["stored"] == found["segment"]["now"] == "new"
    assert found["rfm"]["scores"] == full_shop.read("1")["rfm"]["scores"]
    assert found["run"]["runId"] == "run-1"


def test_an_order_and_a_product_are_explained_from_what_is_stored(
    full_shop: Shop, dashboard: DashboardClient
) -> None:
    # Given
    product = {"id": "10", "name": "Pine", "category": "Vape", "price": 20.0, "priceSource": "otd"}
    full_shop.client.document(f"tenants/{ORG}/products/10").set(product)
    # When
    order, found = dashboard.get("orders/c/explanation"), dashboard.get("menu/10/explanation")
    # Then
    assert order["stored"]["effect"] == "status"
    assert order["stored"]["customerIsStored"]
    assert [step["source"] for step in found["price"]["steps"] if step["used"]] == ["otd"]
    assert found["onMenu"] is False
    assert dashboard.reply("orders/none/explanation").status_code == 404
    assert dashboard.reply("customers/1/explanation", signed_in_at="org_other").status_code == 403
