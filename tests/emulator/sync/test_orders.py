"""Orders: continued when time runs out, matched once they can be, moved with their owner."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.local.simulator.spec import OrgSpec
from deploy.local.simulator.truth import Truth
from shared.services.sync.commands import SyncOrg
from tests.emulator.sync.world import World

ORG = "org_test"
BUSY = OrgSpec(id="org_busy", customers=50, orders=6_000, products=5, rows=5, seed=2)


def agrees(world: World, org_id: str = ORG) -> bool:
    """Whether orders, their owners and everybody's spending are those of the POS's data."""
    truth = Truth(world.pos_data(org_id), "America/New_York")
    orders = world.documents(f"tenants/{org_id}/orders")
    owned = {f"alleaves_{o}": str(b) for o, b in truth.buyers.items() if b is not None}
    spent = {
        key: round(fields["totalSpent"] * 100)
        for key, fields in world.documents(f"tenants/{org_id}/customers").items()
    }
    return {key: order["customerId"] for key, order in orders.items()} == owned and spent == {
        str(customer): int(figures.spent * 100) for customer, figures in truth.figures.items()
    }


def recent(world: World) -> list[dict[str, Any]]:
    """The POS's own records of orders of the last day that somebody owns."""
    data = world.pos_data(ORG)
    truth = Truth(data, "America/New_York")
    since = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    return [
        order
        for order in data["orders"]
        if order["date_created"] > since and truth.buyers[order["id_order"]] is not None
    ]


def test_a_run_that_runs_out_of_time_is_continued_until_all_is_done(
    world_of: Callable[..., World],
) -> None:
    # Given an org with more orders than one invocation has time for
    world = world_of(BUSY)

    # When each invocation may work for a second
    run = world.sync("org_busy", seconds=1)
    world.compute_spending()

    # Then it took several, in one run, and every order is there once
    assert run["state"] == "succeeded"
    assert run["invocations"] > 1
    assert agrees(world, "org_busy")
    orders = len(world.documents("tenants/org_busy/orders"))
    assert run["streams"]["orders"]["created"] == orders
    assert world.status("org_busy")["ordersCount"] == orders


def test_new_orders_come_in_while_an_old_backfill_is_still_under_way(
    world_of: Callable[..., World],
) -> None:
    # Given a first run that ended in the middle of its backfill, its continuation lost
    world = world_of(BUSY)
    service = world.service(seconds=1, lease_seconds=2)
    command = SyncOrg("org_busy", "first", "cron")
    half = 0
    while not half:
        service(command)
        assert world.continuations.take()
        half = len(world.documents("tenants/org_busy/orders"))
    assert half < 5_500

    # When the lease has run out and the next tick comes
    time.sleep(2.2)
    run = world.sync("org_busy", run_id="second")
    world.compute_spending()

    # Then the new run does the rest and the lost one is closed
    assert run["state"] == "succeeded"
    assert agrees(world, "org_busy")
    assert world.document("tenants/org_busy/sync_runs/first")["state"] == "failed"


def test_what_is_new_does_not_wait_for_the_run_after_one_that_ends_an_older_runs_walk(
    world: World,
) -> None:
    # Given a walk that a run of three days ago left half way
    world.sync(ORG)
    now = datetime.now(UTC)
    ago = (now - timedelta(days=3)).date()
    left = {
        "since": (ago - timedelta(days=90)).isoformat(),
        "until": (ago + timedelta(days=1)).isoformat(),
        "doneTo": (ago - timedelta(days=30)).isoformat(),
        "startedAt": (now - timedelta(days=3)).isoformat(),
    }
    head = (now - timedelta(days=4)).isoformat()
    progress = world.client.document(f"tenants/{ORG}/sync_state/progress")
    progress.update({"orders.recent": left, "orders.head": head, "orders.lookedBackOn": None})

    # When an order has been placed since
    placed = {**recent(world)[0], "id_order": 900_001, "date_created": now.isoformat()}
    world.replace(ORG, "orders", [*world.pos_data(ORG)["orders"], placed])
    world.sync(ORG)
    world.compute_spending()

    # Then the very next run has it
    assert agrees(world)


def test_an_order_skipped_for_want_of_a_customer_is_stored_once_there_is_one(
    world: World,
) -> None:
    # Given a customer that the POS does not list yet
    data = world.pos_data(ORG)
    customer = recent(world)[0]["id_customer"]
    world.replace(ORG, "customers", [c for c in data["customers"] if c["id_customer"] != customer])
    world.sync(ORG)
    skipped = world.status(ORG)["ordersSkipped"]
    assert agrees_on_orders(world)

    # When it does
    world.replace(ORG, "customers", data["customers"])
    world.sync(ORG)
    world.compute_spending()

    # Then the orders within the window are stored, and no longer counted as skipped
    mine = [o for o in recent(world) if o["id_customer"] == customer]
    assert world.status(ORG)["ordersSkipped"] <= skipped - len(mine)
    for order in mine:
        stored = world.document(f"tenants/{ORG}/orders/alleaves_{order['id_order']}")
        assert stored["customerId"] == str(customer)


def agrees_on_orders(world: World) -> bool:
    truth = Truth(world.pos_data(ORG), "America/New_York")
    stored = world.documents(f"tenants/{ORG}/orders").keys()
    return stored == {f"alleaves_{o}" for o, b in truth.buyers.items() if b is not None}


def test_an_order_that_moves_to_another_customer_changes_both(world: World) -> None:
    world.sync(ORG)
    world.compute_spending()
    order = recent(world)[0]
    truth = Truth(world.pos_data(ORG), "America/New_York")
    other = next(c for c in truth.figures if c != truth.buyers[order["id_order"]])

    world.change(ORG, "orders", order["id_order"], id_customer=other)
    world.sync(ORG)
    world.compute_spending()

    assert agrees(world)


def test_a_changed_email_takes_its_spending_along(world: World) -> None:
    world.sync(ORG)
    world.compute_spending()
    customer = next(
        c for c in world.pos_data(ORG)["customers"] if c["email"] and "example" in c["email"]
    )
    before = customer["email"].lower()

    world.change(ORG, "customers", customer["id_customer"], email="moved@example.org")
    world.sync(ORG)
    world.compute_spending()

    keys = world.documents(f"tenants/{ORG}/customer_spending")
    own = keys[f"cid_{customer['id_customer']}"]
    assert own["email"] == "moved@example.org"
    assert keys["moved@example.org"]["totalSpent"] == own["totalSpent"]
    still_used = any((c["email"] or "").lower() == before for c in world.pos_data(ORG)["customers"])
    assert (before in keys) is still_used


def test_two_locations_of_one_account_are_listed_once_and_their_stock_added(
    world_of: Callable[..., World],
) -> None:
    spec = OrgSpec(
        id="org_rooms", customers=30, orders=40, products=20, rows=24, locations=2, seed=3
    )
    world = world_of(spec)

    run = world.sync("org_rooms")

    assert run["streams"]["customers"]["fetched"] == 30
    assert run["streams"]["orders"]["fetched"] == 40
    products = world.documents("tenants/org_rooms/products").values()
    both = [product for product in products if len(product["stock"]) == 2]
    assert both
    for product in both:
        assert product["quantity"] == sum(s["quantity"] for s in product["stock"].values())
