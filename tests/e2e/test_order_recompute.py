"""Orders written to Firestore by another program reach their customers' spending.

``LONG=1`` writes 500 of them at once.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore_v1.base_query import FieldFilter

from tests.e2e.cloud import Cloud

ORG = "org_foreign"
WRITES, BURST_ORDERS = (50, 500) if os.environ.get("LONG") else (20, 240)
BURST_CUSTOMERS, RECOMPUTES = 20, 60


def customer(cloud: Cloud, customer_id: str) -> None:
    """A customer as a sync leaves one."""
    cloud.client.document(f"tenants/{ORG}/customers/{customer_id}").set(
        {"id": customer_id, "email": f"{customer_id}@example.com", "orgId": ORG, "segment": "new"}
    )


def order(customer_id: str, total: float, **fields: Any) -> dict[str, Any]:
    return {
        "customerId": customer_id,
        "status": "completed",
        "type": "in_store",
        "total": total,
        "createdAt": datetime.now(UTC) - timedelta(days=1),
        "orgId": ORG,
        **fields,
    }


@pytest.mark.timeout(300)
def test_an_order_of_another_program_is_soon_in_spending_and_segment(
    cloud: Cloud, report_figure: Callable[[str], None]
) -> None:
    # Given
    for number in range(WRITES):
        customer(cloud, f"quick-{number}")
    written: dict[str, float] = {}
    arrived: dict[str, float] = {}

    def watch(snapshots: Any, *_: Any) -> None:
        for snapshot in snapshots:
            if snapshot.get("totalSpent") == 1200 and snapshot.get("segment") == "returning":
                arrived.setdefault(snapshot.id, time.monotonic())

    orders = cloud.client.collection(f"tenants/{ORG}/orders")
    watched = cloud.client.collection(f"tenants/{ORG}/customers").where(
        filter=FieldFilter("totalSpent", "==", 1200)
    )
    listening = watched.on_snapshot(watch)
    # When two orders of each are written, a customer every fifth of a second
    for number in range(WRITES):
        name = f"quick-{number}"
        orders.document(f"{name}-a").set(order(name, 500))
        orders.document(f"{name}-b").set(order(name, 700))
        written[name] = time.monotonic()
        time.sleep(0.2)
    # Then
    cloud.wait("the last one's spending", lambda: len(arrived) == WRITES)
    listening.unsubscribe()  # type: ignore[no-untyped-call]
    taken = sorted(arrived[name] - written[name] for name in written)
    p50, p95 = taken[WRITES // 2], taken[int(WRITES * 0.95)]
    report_figure(f"from order to segment, {WRITES} times: p50 {p50:.2f} s, p95 {p95:.2f} s")


@pytest.mark.timeout(300)
def test_hundreds_of_orders_at_once_are_few_recomputes(
    cloud: Cloud, report_figure: Callable[[str], None]
) -> None:
    # Given
    names = [f"burst-{number}" for number in range(BURST_CUSTOMERS)]
    for name in names:
        customer(cloud, name)
    orders = cloud.client.collection(f"tenants/{ORG}/orders")
    before = recomputes(cloud)
    # When
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda n: orders.document(f"b-{n}").set(order(names[n % len(names)], 10)),
                range(BURST_ORDERS),
            )
        )
    # Then every order counts
    each = BURST_ORDERS * 10 / BURST_CUSTOMERS

    def done() -> bool:
        paths = [cloud.client.document(f"tenants/{ORG}/customers/{name}") for name in names]
        found = (snapshot.to_dict() or {} for snapshot in cloud.client.get_all(paths))
        return all(fields.get("totalSpent") == each for fields in found)

    cloud.wait("everybody's spending", done)
    time.sleep(3)
    made = recomputes(cloud) - before
    report_figure(
        f"{BURST_ORDERS} orders of {BURST_CUSTOMERS} customers at once: {made} recomputes"
    )
    assert BURST_CUSTOMERS <= made <= RECOMPUTES


def test_a_moved_and_a_deleted_order_recompute_both_customers(cloud: Cloud) -> None:
    # Given
    for name in ("from", "to"):
        customer(cloud, name)
    moving = cloud.client.document(f"tenants/{ORG}/orders/moving")

    def spent(name: str) -> Any:
        return cloud.store.document(f"tenants/{ORG}/customers/{name}").get("totalSpent")

    moving.set(order("from", 25))
    cloud.wait("the order to count", lambda: spent("from") == 25)
    # When
    moving.update({"customerId": "to"})
    # Then
    cloud.wait("the order to have moved", lambda: (spent("from"), spent("to")) == (0, 25))
    # When
    moving.delete()
    # Then
    cloud.wait("the order to be gone", lambda: spent("to") == 0)


def recomputes(cloud: Cloud) -> int:
    """How often ``spending`` has been computed so far, by its own log."""
    lines = (cloud.stack.logs / "spending.log").read_text().splitlines()
    events = (json.loads(line) for line in lines if line.startswith("{"))
    return sum(e.get("message") == "spending_computed" and e.get("org_id") == ORG for e in events)
