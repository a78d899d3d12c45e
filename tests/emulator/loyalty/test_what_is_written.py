"""Which documents a loyalty run writes, and what it leaves alone."""

from decimal import Decimal
from typing import Any

from deploy.local.simulator.truth import Truth
from shared.store.loyalty import OWNED
from tests.emulator.loyalty.world import LoyaltyWorld

ORG = "org_test"
LOYALTY = {*OWNED, "pointsLastCalculated"}


def customers(world: LoyaltyWorld) -> dict[str, dict[str, Any]]:
    return world.documents(f"tenants/{ORG}/customers")


def test_points_tier_and_ledger_follow_from_the_pos_own_data(world: LoyaltyWorld) -> None:
    # Given what the POS and Alpine IQ hold, and the contract's rule, worked out anew
    data = world.pos_data(ORG)
    truth = Truth(data, "America/New_York")
    held = {contact["loyaltyPoints"] for contact in world.contacts(ORG)}

    # When
    world.reconcile(ORG)

    # Then
    for customer_id, fields in world.points(ORG).items():
        spent = max(truth.figures[int(customer_id)].spent, Decimal(0))
        points = int(spent + Decimal("0.5"))
        ledger = fields.get("ledger", {})
        assert fields["pointsFromOrders"] == points
        assert sum(entry["points"] for entry in ledger.values()) == points
        assert all(entry_id == entry["orderId"] for entry_id, entry in ledger.items())
        tier = "gold" if fields["points"] >= 1000 else "silver"
        assert fields["loyaltyTier"] == (tier if fields["points"] >= 500 else "bronze")
        if "pointsFromAlpine" in fields:
            assert fields["points"] == fields["pointsFromAlpine"]
            assert fields["points"] in held
            assert fields["tierSource"] == "alpine_iq"
            assert fields["alpineUserId"].startswith("700")
        else:
            assert fields["points"] == points
            assert fields["tierSource"] == "calculated"
            assert fields["loyaltyReconciled"] is False


def test_nothing_but_the_loyalty_fields_is_written(world: LoyaltyWorld) -> None:
    # Given a merchant's own fields on a customer
    before = customers(world)
    chosen = next(iter(before))
    world.client.document(f"tenants/{ORG}/customers/{chosen}").update({"note": "likes edibles"})
    before = customers(world)

    # When
    world.reconcile(ORG)

    # Then
    for customer_id, fields in customers(world).items():
        assert set(fields) - set(before[customer_id]) <= LOYALTY
        kept = {name: value for name, value in fields.items() if name not in LOYALTY}
        assert kept == before[customer_id]


def test_what_has_not_changed_is_not_written_again(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    collection = world.client.collection(f"tenants/{ORG}/customers")
    before = {d.id: d.update_time for d in collection.stream()}

    # When everybody is looked up again
    run = world.reconcile(ORG, full=True)

    # Then
    assert run["counts"]["asked"] == len(before)
    assert (run["counts"]["updated"], run["counts"]["ledgerEntries"]) == (0, 0)
    assert {d.id: d.update_time for d in collection.stream()} == before


def test_a_refund_takes_points_away_and_an_order_that_is_gone_leaves_the_ledger(
    world: LoyaltyWorld,
) -> None:
    # Given a customer with points
    world.reconcile(ORG)
    customer_id, fields = next(
        (i, f) for i, f in world.points(ORG).items() if f["pointsFromOrders"] > 100
    )
    order_id = next(iter(fields["ledger"]))
    order = world.document(f"tenants/{ORG}/orders/{order_id}")

    # When one order was cancelled, another refunded more than was ever spent
    world.client.document(f"tenants/{ORG}/orders/{order_id}").update({"status": "cancelled"})
    refund = {**order, "id": "alleaves_refund", "total": -99999.0, "status": "completed"}
    world.client.document(f"tenants/{ORG}/orders/alleaves_refund").set(refund)
    world.reconcile(ORG, customer_ids=(customer_id,))

    # Then
    after = world.points(ORG)[customer_id]
    assert order_id not in after["ledger"]
    assert "alleaves_refund" in after["ledger"]
    assert after["pointsFromOrders"] == sum(e["points"] for e in after["ledger"].values()) == 0


def test_a_flagged_customer_has_1_2_points_for_each(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    before = world.points(ORG)
    customer_id = next(i for i, f in before.items() if f["pointsFromOrders"] > 100)
    spent = Decimal(str(customers(world)[customer_id]["totalSpent"]))

    # When the merchant flags one and the daily run comes
    flag = {"socialEquity": True}
    world.client.document(f"tenants/{ORG}/customers/{customer_id}").update(flag)
    run = world.reconcile(ORG)

    # Then that one has more, and nobody else was looked up
    after = world.points(ORG)
    assert run["counts"]["asked"] == 1
    assert after[customer_id]["pointsFromOrders"] == int(spent * Decimal("1.2") + Decimal("0.5"))
    ledger = after[customer_id]["ledger"].values()
    assert sum(entry["points"] for entry in ledger) == after[customer_id]["pointsFromOrders"]
    del after[customer_id], before[customer_id]
    assert after == before


def test_a_changed_programme_is_reckoned_anew_without_a_single_look_up(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    before = world.points(ORG)
    calls = len(world.look_ups(ORG))

    # When
    tiers = [{"id": "leaf", "name": "Leaf", "threshold": 100, "color": "#0F0"}]
    settings = {"pointsPerDollar": 2, "tiers": tiers}
    world.client.document(f"tenants/{ORG}").update({"loyaltySettings": settings})
    world.reconcile(ORG)

    # Then
    assert len(world.look_ups(ORG)) == calls
    for customer_id, fields in world.points(ORG).items():
        points = fields["pointsFromOrders"]
        assert abs(points - 2 * before[customer_id]["pointsFromOrders"]) <= 1
        assert fields.get("loyaltyTier") == ("leaf" if fields["points"] >= 100 else None)
