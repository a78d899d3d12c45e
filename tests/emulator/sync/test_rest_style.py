"""An org whose POS speaks the rest style, in the shapes of that style's own documents."""

from collections import Counter
from collections.abc import Sequence

import pytest

from deploy.local.simulator.spec import OrgSpec
from deploy.local.simulator.truth import Truth
from shared.bus.messages import PosSync
from shared.services.sync.commands import SyncRecords, command_of
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.fakes import RecordingPublisher
from tests.simulated_pos import SimulatedPos
from tests.stored import MENU, StoredDocuments

ORG = "org_rooms"
SPEC = OrgSpec(
    id=ORG,
    api_style="rest",
    locations=2,
    customers=90,
    orders=140,
    products=20,
    rows=24,
    pin="1",
    seed=4,
)


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (SPEC,)


def test_orders_customers_spending_and_products_are_right(
    store: StoredDocuments, pos: SimulatedPos, spending: SpendingRunner, sync: SyncRunner
) -> None:
    # When
    run = sync.run(ORG)
    spending.compute_requested()

    # Then every order is its buyer's, at the location that listed it
    data = pos.data(ORG)
    truth = Truth(data, SPEC.timezone)
    orders = store.documents(f"tenants/{ORG}/orders")
    buyers = {f"alleaves_{o}": str(b) for o, b in truth.buyers.items() if b is not None}
    assert run["state"] == "succeeded"
    assert {key: order["customerId"] for key, order in orders.items()} == buyers
    assert len(buyers) > 130
    for row in data["orders"]:
        if (stored := orders.get(f"alleaves_{row['id_order']}")) is not None:
            assert stored["locationId"] == str(row["id_location"])
            customer = store.document(f"tenants/{ORG}/customers/{stored['customerId']}")
            placed_by = customer["userId"] if row["id_customer"] else row.get("user_id")
            assert stored.get("userId") == placed_by

    # and everybody has spent what the POS's data say
    assert {
        key: round(customer["totalSpent"] * 100)
        for key, customer in store.documents(f"tenants/{ORG}/customers").items()
    } == {str(key): int(figures.spent * 100) for key, figures in truth.figures.items()}

    # and the others are skipped, each for the reason that the POS gives
    skipped = store.documents(f"tenants/{ORG}/skipped_orders")
    assert Counter(each["reason"] for each in skipped.values()) == Counter(
        truth.skip_reasons.values()
    )

    # and the menu has every product with its stock at each location
    menu = store.documents(f"tenants/{ORG}/{MENU}")
    assert menu.keys() == {str(row["id_item"]) for row in data["inventory"]}
    for row in data["inventory"]:
        own = [r for r in data["inventory"] if r["id_item"] == row["id_item"]]
        here = [r for r in own if r["id_location"] == row["id_location"]]
        stock = menu[str(row["id_item"])]["stock"][str(row["id_location"])]
        assert stock["quantity"] == sum(r["available"] for r in here if r["area_type"] != "Damaged")
    assert {product["source"] for product in menu.values()} == {"pos"}
    assert {product["provider"] for product in menu.values()} == {"alleaves"}
    strains = {product["strainType"] for product in menu.values() if "strainType" in product}
    assert strains <= {"Sativa", "Indica", "Hybrid", "CBD"}
    assert strains


def test_an_unchanged_org_costs_no_record_though_both_locations_list_its_customers(
    store: StoredDocuments, pos: SimulatedPos, spending: SpendingRunner, sync: SyncRunner
) -> None:
    sync.run(ORG)
    spending.compute_requested()
    before = store.records(ORG)

    run = sync.run(ORG)

    assert store.records(ORG) == before
    assert all(not counts["created"] + counts["updated"] for counts in run["streams"].values())
    assert spending.requests.take() == []


def test_a_webhook_finds_an_order_at_the_location_that_it_is_of(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given an order of the second location
    sync.run(ORG)
    truth = Truth(pos.data(ORG), SPEC.timezone)
    order = next(
        row
        for row in pos.data(ORG)["orders"]
        if row["id_location"] == 1001 and truth.buyers[row["id_order"]] is not None
    )
    key = f"tenants/{ORG}/orders/alleaves_{order['id_order']}"

    # When it changes, and a webhook says so
    later = "2030-01-01T00:00:00.000Z"
    pos.change(ORG, "orders", order["id_order"], total=77.0, date_updated=later)
    command = command_of(
        PosSync(
            org_id=ORG,
            run_id="webhook-1",
            trigger="webhook",
            order_ids=frozenset({str(order["id_order"])}),
        )
    )
    assert isinstance(command, SyncRecords)
    sync.targeted(RecordingPublisher())(command)

    # Then it has its new total and its own location
    assert store.document(key)["total"] == 77.0
    assert store.document(key)["locationId"] == "1001"
