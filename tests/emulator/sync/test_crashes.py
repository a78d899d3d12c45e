"""A worker that dies in between: work that it had not yet published is not lost with it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.truth import Truth
from shared.services.sync import session
from shared.services.sync.commands import SyncOrg
from shared.store import database, paths
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.fakes import FailingPublisher
from tests.simulated_pos import SimulatedPos
from tests.stored import MENU, StoredDocuments

ORG = "org_test"
COMMAND = SyncOrg(ORG, "tuesday", "cron")


def spent(store: StoredDocuments) -> dict[str, Decimal]:
    customers = store.documents(f"tenants/{ORG}/customers")
    return {key: Decimal(str(fields["totalSpent"])) for key, fields in customers.items()}


def test_who_lost_an_order_is_recomputed_though_the_worker_died_after_writing_it(
    store: StoredDocuments,
    pos: SimulatedPos,
    spending: SpendingRunner,
    sync: SyncRunner,
) -> None:
    # Given an order that the POS says belongs to another customer now
    sync.run(ORG)
    spending.compute_requested()
    data = pos.data(ORG)
    truth = Truth(data, "America/New_York")
    order = max(
        (o for o in data["orders"] if truth.buyers[o["id_order"]] == o["id_customer"]),
        key=lambda o: o["date_created"],
    )
    other = next(c for c in data["customers"] if c["id_customer"] != order["id_customer"])
    pos.change(ORG, "orders", order["id_order"], id_customer=other["id_customer"])

    # When the worker that stores it dies before it has asked for anybody's spending
    dying = sync.service(spending=FailingPublisher(ConnectionError()))
    with pytest.raises(ConnectionError):
        dying(COMMAND)
    moved = store.document(f"tenants/{ORG}/orders/alleaves_{order['id_order']}")
    assert moved["customerId"] == str(other["id_customer"])

    # and the message is delivered again
    sync.service()(COMMAND)
    spending.compute_requested()

    # Then nobody's spending holds the order of another customer
    after = Truth(pos.data(ORG), "America/New_York")
    assert spent(store) == {str(c): figures.spent for c, figures in after.figures.items()}
    assert store.document(f"tenants/{ORG}/sync_state/progress")["owed"] == []


def test_a_product_stored_and_dropped_while_nobody_noted_it_leaves_the_menu(
    client: Client, store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner
) -> None:
    # Given products of which two are new, one is back, and the menu has a merchant's picture
    rows = pos.data(ORG)["inventory"]
    back, new, never = sorted({row["id_item"] for row in rows})[:3]
    others = [row for row in rows if row["id_item"] not in (back, new, never)]
    pos.replace(ORG, "inventory", [*others, *(r for r in rows if r["id_item"] == back)])
    sync.run(ORG)
    client.document(f"tenants/{ORG}/{MENU}/{back}").update({"imageUrl": "https://a.test/b"})
    pos.replace(ORG, "inventory", others)
    sync.run(ORG)

    # When one worker dies after it has stored them, before it has noted it
    pos.replace(ORG, "inventory", [row for row in rows if row["id_item"] != never])
    sync.die_before_writing(paths.pos_status(ORG), COMMAND)
    assert {str(back), str(new)} < store.documents(f"tenants/{ORG}/{MENU}").keys()
    # and the next before it has stored one more
    pos.replace(ORG, "inventory", rows)
    sync.die_before_writing(f"{paths.menu_items(ORG)}/{never}", COMMAND)

    # and the POS drops all three
    pos.replace(ORG, "inventory", others)
    run = sync.run(ORG, run_id=COMMAND.run_id)

    # Then the menu has none of them, what was stored is kept, what was not never was
    assert run["state"] == "succeeded"
    assert len(store.documents(f"tenants/{ORG}/{MENU}")) == 57
    kept = store.documents(f"tenants/{ORG}/products")
    assert kept[str(new)]["removedFromPosAt"] is not None
    assert kept[str(new)]["name"]
    assert kept[str(back)]["imageUrl"] == "https://a.test/b"
    assert str(never) not in kept

    # and one that comes back brings its picture along
    pos.replace(ORG, "inventory", rows)
    sync.run(ORG)
    menu = store.documents(f"tenants/{ORG}/{MENU}")
    assert len(menu) == 60
    assert menu[str(back)]["imageUrl"] == "https://a.test/b"


@pytest.mark.parametrize("damage", ["not_an_object", "missing_id"])
def test_what_nobody_noted_in_quarantine_leaves_it_once_it_can_be_read(
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
) -> None:
    # Given a worker that dies after it has put records in quarantine, before it has noted them
    monkeypatch.setattr(session, "WRITES_PER_COMMIT", 3)
    monkeypatch.setattr(database, "WRITES_PER_COMMIT", 3)
    pos.fault("malformed", endpoint="customers", damage=damage, records=3)
    last = pos.data(ORG)["customers"][-1]["id_customer"]
    command = replace(COMMAND, streams=("customers",))
    sync.die_before_writing(f"tenants/{ORG}/customers/{last}", command)
    assert len(store.documents(f"tenants/{ORG}/quarantine")) == 3

    # When the POS lists everybody as it should
    pos.clear_faults()
    sync.run(ORG, run_id=COMMAND.run_id)

    # Then nobody is in quarantine any more
    assert store.documents(f"tenants/{ORG}/quarantine") == {}
