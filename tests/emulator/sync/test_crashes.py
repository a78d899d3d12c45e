"""A worker that dies in between: whatever it had not told anybody of is not lost with it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from deploy.local.simulator.truth import Truth
from shared.bus.messages import Message
from shared.services.sync import session
from shared.services.sync.commands import SyncOrg
from shared.store import paths
from shared.store.database import Database, Write
from tests.emulator.sync.world import MENU, Outbox, World

ORG = "org_test"
COMMAND = SyncOrg(ORG, "tuesday", "cron")


class Dies(Outbox):
    """The worker dies when it asks for spending: the records are written, nothing notes it."""

    def publish(self, messages: Iterable[Message]) -> int:
        raise ConnectionError("the worker's instance is gone")


class Fatal(Database):
    """The worker dies when it is to write a document of that path."""

    path = ""

    def metered(self) -> "Fatal":
        found = Fatal(self._client)
        found.path = self.path
        return found

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        given = list(writes)
        if any(write.path == self.path for write in given):
            raise ConnectionError("the worker's instance is gone")
        return super().commit(given)


def die_before(world: World, path: str, command: SyncOrg = COMMAND) -> None:
    """Sync, up to the commit that writes this document."""
    kept, fatal = world.database, Fatal(world.client)
    fatal.path = path
    world.database = fatal
    dying = world.service()
    world.database = kept
    with pytest.raises(ConnectionError):
        dying(command)


def spent(world: World) -> dict[str, Decimal]:
    customers = world.documents(f"tenants/{ORG}/customers")
    return {key: Decimal(str(fields["totalSpent"])) for key, fields in customers.items()}


def test_who_lost_an_order_is_recomputed_though_the_worker_died_after_writing_it(
    world: World,
) -> None:
    # Given an order that the POS says belongs to another customer now
    world.sync(ORG)
    world.compute_spending()
    data = world.pos_data(ORG)
    truth = Truth(data, "America/New_York")
    order = max(
        (o for o in data["orders"] if truth.buyers[o["id_order"]] == o["id_customer"]),
        key=lambda o: o["date_created"],
    )
    other = next(c for c in data["customers"] if c["id_customer"] != order["id_customer"])
    world.change(ORG, "orders", order["id_order"], id_customer=other["id_customer"])

    # When the worker that stores it dies before it has asked for anybody's spending
    asked, world.spending_asked = world.spending_asked, Dies()
    dying = world.service()
    world.spending_asked = asked
    with pytest.raises(ConnectionError):
        dying(COMMAND)
    moved = world.document(f"tenants/{ORG}/orders/alleaves_{order['id_order']}")
    assert moved["customerId"] == str(other["id_customer"])

    # and the message is delivered again
    world.service()(COMMAND)
    world.compute_spending()

    # Then nobody is said to have spent what was somebody else's
    after = Truth(world.pos_data(ORG), "America/New_York")
    assert spent(world) == {str(c): figures.spent for c, figures in after.figures.items()}
    assert world.document(f"tenants/{ORG}/sync_state/progress")["owed"] == []


def test_a_product_stored_and_dropped_while_nobody_noted_it_leaves_the_menu(world: World) -> None:
    # Given products of which two are new, one is back, and the menu has a merchant's picture
    rows = world.pos_data(ORG)["inventory"]
    back, new, never = sorted({row["id_item"] for row in rows})[:3]
    others = [row for row in rows if row["id_item"] not in (back, new, never)]
    world.replace(ORG, "inventory", [*others, *(r for r in rows if r["id_item"] == back)])
    world.sync(ORG)
    world.client.document(f"tenants/{ORG}/{MENU}/{back}").update({"imageUrl": "https://a.test/b"})
    world.replace(ORG, "inventory", others)
    world.sync(ORG)

    # When one worker dies after it has stored them, before it has noted it
    world.replace(ORG, "inventory", [row for row in rows if row["id_item"] != never])
    die_before(world, paths.pos_status(ORG))
    assert {str(back), str(new)} < world.documents(f"tenants/{ORG}/{MENU}").keys()
    # and the next before it has stored one more
    world.replace(ORG, "inventory", rows)
    die_before(world, f"{paths.menu_items(ORG)}/{never}")

    # and the POS drops all three
    world.replace(ORG, "inventory", others)
    run = world.sync(ORG, run_id=COMMAND.run_id)

    # Then the menu has none of them, what was stored is kept, what was not never was
    assert run["state"] == "succeeded"
    assert len(world.documents(f"tenants/{ORG}/{MENU}")) == 57
    kept = world.documents(f"tenants/{ORG}/products")
    assert kept[str(new)]["removedFromPosAt"] is not None
    assert kept[str(new)]["name"]
    assert kept[str(back)]["imageUrl"] == "https://a.test/b"
    assert str(never) not in kept

    # and one that comes back brings its picture along
    world.replace(ORG, "inventory", rows)
    world.sync(ORG)
    menu = world.documents(f"tenants/{ORG}/{MENU}")
    assert len(menu) == 60
    assert menu[str(back)]["imageUrl"] == "https://a.test/b"


@pytest.mark.parametrize("damage", ["not_an_object", "missing_id"])
def test_what_nobody_noted_in_quarantine_leaves_it_once_it_can_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    # Given a worker that dies after it has put records in quarantine, before it has noted them
    monkeypatch.setattr(session, "WRITES_PER_COMMIT", 3)
    world.fault("malformed", endpoint="customers", damage=damage, records=3)
    last = world.pos_data(ORG)["customers"][-1]["id_customer"]
    command = replace(COMMAND, streams=("customers",))
    die_before(world, f"tenants/{ORG}/customers/{last}", command)
    assert len(world.documents(f"tenants/{ORG}/quarantine")) == 3

    # When the POS lists everybody as it should
    world.no_faults()
    world.sync(ORG, run_id=COMMAND.run_id)

    # Then nobody is in quarantine any more
    assert world.documents(f"tenants/{ORG}/quarantine") == {}
