"""A large org: everything arrives, and nothing changed costs nothing.

``LONG=1`` syncs one as large as the recorded one; without it is a third of that.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from deploy.local.clients import firestore_client
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec, named_orgs
from deploy.local.simulator.truth import Truth
from shared.store.database import Database
from tests.emulator.environment import Environment
from tests.fakes import OffsetClock
from tests.simulated_pos import Record
from tests.stored import MENU, Fields

ORG = "org_large"
A_THIRD = {"customers": 840, "orders": 900, "products": 125, "rows": 140}
SIZES, SKIPPED = ({}, 60) if os.environ.get("LONG") else (A_THIRD, 20)


@dataclass(frozen=True)
class SyncedOrg:
    """The org after its first sync, and what was stored then."""

    spec: OrgSpec
    environment: Environment
    pos_data: dict[str, list[Record]]
    truth: Truth
    run: Fields
    status: Fields
    records: dict[str, dict[str, Fields]]
    skipped_orders: dict[str, Fields]


@pytest.fixture(scope="module")
def large(firestore_host: str) -> Iterator[SyncedOrg]:
    """Synced and computed once for all tests here."""
    (spec,) = (each.model_copy(update=SIZES) for each in named_orgs(1) if each.id == ORG)
    project = f"demo-{secrets.token_hex(6)}"
    with (
        closing(firestore_client(firestore_host, project)) as client,
        serve(Simulation([spec])) as server,
    ):
        environment = Environment(client, Database(client), server, OffsetClock())
        data = environment.pos.data(ORG)
        run = environment.sync.run(ORG)
        environment.spending.compute_requested()
        store = environment.store
        yield SyncedOrg(
            spec,
            environment,
            data,
            Truth(data, "America/New_York"),
            run,
            store.status(ORG),
            store.records(ORG),
            store.documents(f"tenants/{ORG}/skipped_orders"),
        )


def test_every_record_arrives_or_is_counted_as_skipped(large: SyncedOrg) -> None:
    data, records, status, spec = large.pos_data, large.records, large.status, large.spec
    assert large.run["state"] == "succeeded"
    assert len(records["customers"]) == spec.customers
    assert set(records["customers"]) == {str(c["id_customer"]) for c in data["customers"]}
    assert len(records["orders"]) + status["ordersSkipped"] == len(data["orders"]) == spec.orders
    assert len(records["products"]) == len(records[MENU]) == spec.products
    counted = status["customersCount"], status["menuProductsCount"]
    assert counted == (spec.customers, spec.products)


def test_every_order_is_its_own_customers_by_a_matching_made_independently(
    large: SyncedOrg,
) -> None:
    expected = {
        f"alleaves_{order_id}": str(buyer)
        for order_id, buyer in large.truth.buyers.items()
        if buyer is not None
    }
    orders = large.records["orders"]
    assert {key: order["customerId"] for key, order in orders.items()} == expected


def test_of_every_skipped_order_the_reason_is_that_of_a_matching_made_independently(
    large: SyncedOrg,
) -> None:
    skipped = large.skipped_orders
    reasons = {
        f"alleaves_{order_id}": reason for order_id, reason in large.truth.skip_reasons.items()
    }
    assert {key: order["reason"] for key, order in skipped.items()} == reasons
    assert len(skipped) == sum(large.run["streams"]["orders"]["skippedReasons"].values()) == SKIPPED


def test_spending_and_segments_are_those_of_a_recomputation_made_independently(
    large: SyncedOrg,
) -> None:
    now = datetime.now(UTC)
    for customer_id, figures in large.truth.figures.items():
        stored = large.records["customers"][str(customer_id)]
        assert Decimal(str(stored["totalSpent"])) == figures.spent, customer_id
        assert stored["orderCount"] == len(figures.moments)
        assert stored.get("lastOrderDate") == max(figures.moments, default=None)
        assert stored["segment"] == figures.segment(now)


def test_an_unchanged_sync_writes_no_record_and_costs_next_to_nothing(large: SyncedOrg) -> None:
    # Given an org that is in step with its POS
    environment = large.environment
    before = environment.store.records(ORG)

    # When it is synced again
    unchanged = environment.sync.run(ORG)

    # Then no record is written, and next to nothing is spent
    assert environment.store.records(ORG) == before
    assert environment.spending.requests.take() == []
    assert unchanged["cost"]["writes"] <= 6
    assert unchanged["cost"]["reads"] <= 25
    assert unchanged["cost"]["deletes"] == 0


def test_one_changed_order_costs_thirteen_writes_at_the_most_spending_included(
    large: SyncedOrg,
) -> None:
    # Given one order of yesterday that changes at the POS
    environment = large.environment
    order_id = environment.pos.newest_order(ORG)["id_order"]
    changed_at = datetime.now(UTC).isoformat()
    environment.pos.change(ORG, "orders", order_id, total=999.99, date_updated=changed_at)
    writes_before = environment.database.meter.writes

    # When the org is synced
    changed = environment.sync.run(ORG)
    environment.spending.compute_requested()

    # Then the order is stored again, for few writes
    stored = environment.store.document(f"tenants/{ORG}/orders/alleaves_{order_id}")
    assert stored["total"] == 999.99
    spending_writes = environment.database.meter.writes - writes_before
    assert changed["streams"]["orders"]["updated"] == 1
    assert changed["cost"]["writes"] + spending_writes <= 13
