"""Orders: continued when time runs out, matched once they can be, moved with their owner."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.spec import OrgSpec
from deploy.local.simulator.truth import Truth
from shared.domain import order_windows
from shared.domain.order_windows import ROWS_ACCEPTED, ROWS_AIMED_AT
from shared.services.sync import order_listings
from shared.services.sync.commands import SyncOrg
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
BUSY = OrgSpec(id="org_busy", customers=50, orders=1_200, products=5, rows=5, seed=2)
TWO_LOCATIONS = OrgSpec(
    id="org_rooms", customers=30, orders=40, products=20, rows=24, locations=2, seed=3
)


@pytest.fixture
def _narrow_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the orders per window of days, so that a fifth of the orders takes as many."""
    monkeypatch.setattr(order_windows, "ROWS_AIMED_AT", ROWS_AIMED_AT // 5)
    monkeypatch.setattr(order_listings, "ROWS_ACCEPTED", ROWS_ACCEPTED // 5)


def agrees(store: StoredDocuments, pos: SimulatedPos, org_id: str = ORG) -> bool:
    """Whether orders, their owners and everybody's spending are those of the POS's data."""
    truth = Truth(pos.data(org_id), "America/New_York")
    orders = store.documents(f"tenants/{org_id}/orders")
    owned = {f"alleaves_{o}": str(b) for o, b in truth.buyers.items() if b is not None}
    spent = {
        key: round(fields["totalSpent"] * 100)
        for key, fields in store.documents(f"tenants/{org_id}/customers").items()
    }
    return {key: order["customerId"] for key, order in orders.items()} == owned and spent == {
        str(customer): int(figures.spent * 100) for customer, figures in truth.figures.items()
    }


def recent(pos: SimulatedPos) -> list[dict[str, Any]]:
    """The POS's own records of orders of the last week that a customer owns."""
    data = pos.data(ORG)
    truth = Truth(data, "America/New_York")
    since = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    return [
        order
        for order in data["orders"]
        if order["date_created"] > since and truth.buyers[order["id_order"]] is not None
    ]


@pytest.mark.usefixtures("_narrow_windows")
@pytest.mark.parametrize("specs", [[BUSY]], ids=["busy"])
def test_a_run_that_runs_out_of_time_is_continued_until_all_is_done(
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # Given an org with more orders than one invocation has time for,
    # when each may work a quarter of a second
    run = sync.run("org_busy", seconds=0.25)
    spending.compute_requested()

    # Then it took several, in one run, and every order is there once
    assert run["state"] == "succeeded"
    assert run["invocations"] > 1
    assert agrees(store, pos, "org_busy")
    orders = len(store.documents("tenants/org_busy/orders"))
    assert run["streams"]["orders"]["created"] == orders
    assert store.status("org_busy")["ordersCount"] == orders


@pytest.mark.usefixtures("_narrow_windows")
@pytest.mark.parametrize("specs", [[BUSY]], ids=["busy"])
def test_new_orders_come_in_while_an_old_backfill_is_still_under_way(
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # Given a first run that ended in the middle of its backfill, its continuation lost
    service = sync.service(seconds=0.25, lease_seconds=2)
    command = SyncOrg("org_busy", "first", "cron")
    half = 0
    while not half:
        service(command)
        assert sync.continuations.take()
        half = len(store.documents("tenants/org_busy/orders"))
    assert half < 1_100

    # When the lease has run out and the next tick comes
    time.sleep(2.2)
    run = sync.run("org_busy", run_id="second")
    spending.compute_requested()

    # Then the new run does the rest and the lost one is closed
    assert run["state"] == "succeeded"
    assert agrees(store, pos, "org_busy")
    assert store.document("tenants/org_busy/sync_runs/first")["state"] == "failed"


def test_what_is_new_does_not_wait_for_the_run_after_one_that_ends_an_older_runs_walk(
    client: Client,
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # Given a walk that a run of three days ago left half way
    sync.run(ORG)
    now = datetime.now(UTC)
    ago = (now - timedelta(days=3)).date()
    left = {
        "since": (ago - timedelta(days=90)).isoformat(),
        "until": (ago + timedelta(days=1)).isoformat(),
        "doneTo": (ago - timedelta(days=30)).isoformat(),
        "startedAt": (now - timedelta(days=3)).isoformat(),
    }
    head = (now - timedelta(days=4)).isoformat()
    progress = client.document(f"tenants/{ORG}/sync_state/progress")
    progress.update({"orders.recent": left, "orders.head": head})

    # When an order has been placed since
    placed = {**recent(pos)[0], "id_order": 900_001, "date_created": now.isoformat()}
    pos.replace(ORG, "orders", [*pos.data(ORG)["orders"], placed])
    sync.run(ORG)
    spending.compute_requested()

    # Then the very next run has it
    assert agrees(store, pos)


def test_an_order_skipped_for_want_of_a_customer_is_stored_once_there_is_one(
    clock: OffsetClock,
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # Given a customer that the POS does not list yet
    data = pos.data(ORG)
    customer = recent(pos)[0]["id_customer"]
    pos.replace(ORG, "customers", [c for c in data["customers"] if c["id_customer"] != customer])
    sync.run(ORG)
    skipped = store.status(ORG)["ordersSkipped"]
    assert agrees_on_orders(store, pos)

    # When it does
    pos.replace(ORG, "customers", data["customers"])
    clock.later = timedelta(days=1)
    sync.run(ORG)
    spending.compute_requested()

    # Then the orders within the window are stored, and no longer counted as skipped
    mine = [o for o in recent(pos) if o["id_customer"] == customer]
    assert store.status(ORG)["ordersSkipped"] <= skipped - len(mine)
    for order in mine:
        stored = store.document(f"tenants/{ORG}/orders/alleaves_{order['id_order']}")
        assert stored["customerId"] == str(customer)


def agrees_on_orders(store: StoredDocuments, pos: SimulatedPos) -> bool:
    truth = Truth(pos.data(ORG), "America/New_York")
    stored = store.documents(f"tenants/{ORG}/orders").keys()
    return stored == {f"alleaves_{o}" for o, b in truth.buyers.items() if b is not None}


def test_an_order_that_moves_to_another_customer_changes_both(
    clock: OffsetClock,
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    sync.run(ORG)
    spending.compute_requested()
    order = recent(pos)[0]
    truth = Truth(pos.data(ORG), "America/New_York")
    other = next(c for c in truth.figures if c != truth.buyers[order["id_order"]])

    pos.change(ORG, "orders", order["id_order"], id_customer=other)
    clock.later = timedelta(days=1)
    sync.run(ORG)
    spending.compute_requested()

    assert agrees(store, pos)


def test_a_changed_email_takes_its_spending_along(
    store: StoredDocuments, pos: SimulatedPos, spending: SpendingRunner, sync: SyncRunner
) -> None:
    sync.run(ORG)
    spending.compute_requested()
    customer = next(c for c in pos.data(ORG)["customers"] if c["email"] and "example" in c["email"])
    before = customer["email"].lower()

    pos.change(ORG, "customers", customer["id_customer"], email="moved@example.org")
    sync.run(ORG)
    spending.compute_requested()

    keys = store.documents(f"tenants/{ORG}/customer_spending")
    own = keys[f"cid_{customer['id_customer']}"]
    assert own["email"] == "moved@example.org"
    assert keys["moved@example.org"]["totalSpent"] == own["totalSpent"]
    still_used = any((c["email"] or "").lower() == before for c in pos.data(ORG)["customers"])
    assert (before in keys) is still_used


@pytest.mark.parametrize("specs", [[TWO_LOCATIONS]], ids=["two locations"])
def test_two_locations_of_one_account_are_listed_once_and_their_stock_added(
    store: StoredDocuments,
    sync: SyncRunner,
) -> None:

    run = sync.run("org_rooms")

    assert run["streams"]["customers"]["fetched"] == 30
    assert run["streams"]["orders"]["fetched"] == 40
    products = store.documents("tenants/org_rooms/products").values()
    both = [product for product in products if len(product["stock"]) == 2]
    assert both
    for product in both:
        assert product["quantity"] == sum(s["quantity"] for s in product["stock"].values())
