"""A worker that dies in between: whatever it had not told anybody of is not lost with it."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from deploy.local.simulator.truth import Truth
from shared.bus.messages import Message, PosSync
from tests.emulator.sync.world import Outbox, World

ORG = "org_test"


class Dies(Outbox):
    """The worker dies when it asks for spending: the records are written, nothing notes it."""

    def publish(self, messages: Iterable[Message]) -> int:
        raise ConnectionError("the worker's instance is gone")


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
    message = PosSync(org_id=ORG, run_id="tuesday", trigger="cron")
    with pytest.raises(ConnectionError):
        dying(message)
    moved = world.document(f"tenants/{ORG}/orders/alleaves_{order['id_order']}")
    assert moved["customerId"] == str(other["id_customer"])

    # and the message is delivered again
    world.service()(message)
    world.compute_spending()

    # Then nobody is said to have spent what was somebody else's
    after = Truth(world.pos_data(ORG), "America/New_York")
    assert spent(world) == {str(c): figures.spent for c, figures in after.figures.items()}
    assert world.document(f"tenants/{ORG}/sync_state/progress")["owed"] == []
