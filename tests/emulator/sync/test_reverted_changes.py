"""A record that changed, was stored by a worker that died before it had noted it, and is as it was
before when the next one looks: what the POS says now is stored."""

from dataclasses import replace
from typing import Any

from shared.bus.messages import ComputeSpending
from shared.clock import utc_now
from shared.services.sync.commands import SyncOrg
from shared.store import paths
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.simulated_pos import SimulatedPos, discount, placed_order
from tests.stored import MENU, StoredDocuments

ORG = "org_test"
COMMAND = SyncOrg(ORG, "tuesday", "cron")
STATUS = paths.pos_status(ORG)


def renamed_by_a_dying_worker(pos: SimulatedPos, sync: SyncRunner) -> tuple[Any, str, str]:
    """A customer whose new name a worker has stored and not noted: id at the POS, path of the
    document, and the name before."""
    customer = pos.data(ORG)["customers"][3]
    key, before = customer["id_customer"], str(customer["name_first"])
    pos.change(ORG, "customers", key, name_first="Ida")
    sync.die_before_writing(STATUS, COMMAND)
    return key, f"{paths.customers(ORG)}/{key}", before


def test_a_customer_is_as_the_pos_has_them_though_the_change_was_taken_back(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a customer whose change a worker has stored and not noted
    sync.run(ORG)
    key, path, name = renamed_by_a_dying_worker(pos, sync)
    assert store.document(path)["firstName"] == "Ida"

    # When the POS takes it back
    pos.change(ORG, "customers", key, name_first=name)
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then
    assert store.document(path)["firstName"] == name


def test_another_run_that_takes_the_org_over_knows_as_well(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given two workers that die, the second before it has noted anything
    sync.run(ORG)
    key, path, name = renamed_by_a_dying_worker(pos, sync)
    sync.die_before_writing(STATUS, replace(COMMAND, streams=("products",)))

    # When the POS takes the change back, and another run comes
    pos.change(ORG, "customers", key, name_first=name)
    sync.run(ORG, run_id=COMMAND.run_id)
    sync.run(ORG)

    # Then
    assert store.document(path)["firstName"] == name


def test_an_order_is_as_the_pos_has_it_though_the_change_was_taken_back(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given
    sync.run(ORG)
    order = pos.newest_order(ORG)
    path = f"{paths.orders(ORG)}/alleaves_{order['id_order']}"
    before = store.document(path)["total"]
    pos.change(ORG, "orders", order["id_order"], total=f"{before + 1:.2f}")
    sync.die_before_writing(STATUS, COMMAND)
    assert store.document(path)["total"] == before + 1

    # When
    pos.change(ORG, "orders", order["id_order"], total=order["total"])
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then
    assert store.document(path)["total"] == before


def test_a_customer_whom_the_pos_has_again_is_no_longer_marked_as_removed(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a customer whom a worker has marked as removed, and not noted
    sync.run(ORG)
    everybody = pos.data(ORG)["customers"]
    path = f"{paths.customers(ORG)}/{everybody[-1]['id_customer']}"
    pos.replace(ORG, "customers", everybody[:-1])
    sync.die_before_writing(STATUS, COMMAND)
    assert store.document(path)["removedFromPosAt"]

    # When the POS has them again
    pos.replace(ORG, "customers", everybody)
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then
    assert store.document(path).get("removedFromPosAt") is None


def test_a_discount_and_a_product_that_are_back_are_stored_again(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given both, dropped by a worker that has not noted it
    pos.set_discounts(ORG, discount(1, None), discount(2, None))
    sync.run(ORG)
    rows = pos.data(ORG)["inventory"]
    item = rows[0]["id_item"]
    pos.set_discounts(ORG, discount(1, None))
    pos.replace(ORG, "inventory", [row for row in rows if row["id_item"] != item])
    sync.die_before_writing(STATUS, COMMAND)
    assert "2" not in store.documents(paths.discounts(ORG))

    # When they are back
    pos.set_discounts(ORG, discount(1, None), discount(2, None))
    pos.replace(ORG, "inventory", rows)
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then
    assert "2" in store.documents(paths.discounts(ORG))
    assert str(item) in store.documents(f"tenants/{ORG}/{MENU}")


def test_a_record_that_is_unreadable_again_is_in_quarantine_again(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given a record that a worker has released, and not noted
    sync.run(ORG)
    order = max(pos.data(ORG)["orders"], key=lambda o: str(o["date_created"]))
    pos.change(ORG, "orders", order["id_order"], total="not a number")
    sync.run(ORG)
    in_quarantine = store.documents(f"tenants/{ORG}/quarantine")
    assert len(in_quarantine) == 1
    pos.change(ORG, "orders", order["id_order"], total=order["total"])
    sync.die_before_writing(STATUS, COMMAND)
    assert store.documents(f"tenants/{ORG}/quarantine") == {}

    # When it is unreadable again, just as it was
    pos.change(ORG, "orders", order["id_order"], total="not a number")
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then
    assert store.documents(f"tenants/{ORG}/quarantine").keys() == in_quarantine.keys()


def test_who_lost_an_order_that_nobody_had_noted_is_computed_again(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, spending: SpendingRunner
) -> None:
    # Given a new order that a worker has stored and not noted, and its customer's spending
    sync.run(ORG)
    spending.compute_requested()
    first, second = pos.data(ORG)["customers"][3:5]
    template = pos.newest_order(ORG)
    moment = utc_now().isoformat()
    order = placed_order(template, 930_001, first["id_customer"], moment)
    pos.add(ORG, "orders", order)
    sync.die_before_writing(STATUS, COMMAND)
    path = f"{paths.customers(ORG)}/{first['id_customer']}"
    before = store.document(path)["orderCount"]
    spending.service(ComputeSpending(org_id=ORG))
    assert store.document(path)["orderCount"] == before + 1

    # When the POS says it is another's, and a run of the customers alone comes first
    pos.change(ORG, "orders", 930_001, id_customer=second["id_customer"])
    sync.run(ORG, run_id=COMMAND.run_id, streams=("customers",))
    sync.run(ORG)
    spending.compute_requested()

    # Then
    assert store.document(path)["orderCount"] == before


def test_a_new_order_that_matches_nobody_is_skipped_by_the_next_worker_too(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given two new orders, one of a stranger, and a worker that dies before it has noted them
    sync.run(ORG)
    template = pos.newest_order(ORG)
    moment = utc_now().isoformat()
    known = placed_order(template, 940_001, template["id_customer"], moment)
    stranger = {**placed_order(template, 940_002, 9_000_000, moment), "email": "", "user_id": None}
    pos.add(ORG, "orders", known)
    pos.add(ORG, "orders", stranger)
    sync.die_before_writing(STATUS, COMMAND)
    skipped = f"tenants/{ORG}/skipped_orders"
    before = store.documents(skipped)

    # When the first is a stranger's as well, and another worker comes
    pos.change(ORG, "orders", 940_001, id_customer=9_000_000, email="", user_id=None)
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then what was never stored is skipped, and what was stored stays
    assert store.documents(skipped).keys() - before.keys() == {"alleaves_940002"}
    assert store.document(f"{paths.orders(ORG)}/alleaves_940001")["total"] == 100.0
