"""Which documents a loyalty run writes, and what it leaves alone."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.simulator.truth import Truth
from shared.store.loyalty import OWNED
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"
LOYALTY = {*OWNED, "pointsLastCalculated"}


def customers(store: StoredDocuments) -> dict[str, dict[str, Any]]:
    return store.documents(f"tenants/{ORG}/customers")


def test_points_tier_and_ledger_follow_from_the_pos_own_data(
    pos: SimulatedPos, loyalty: LoyaltyRunner
) -> None:
    # Given what the POS and Alpine IQ hold, and the contract's rule, recalculated
    data = pos.data(ORG)
    truth = Truth(data, "America/New_York")
    held = {contact["loyaltyPoints"] for contact in loyalty.alpine(ORG).contacts}

    # When
    loyalty.reconcile(ORG)

    # Then
    for customer_id, fields in loyalty.points(ORG).items():
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


def test_nothing_but_the_loyalty_fields_is_written(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given a merchant's own fields on a customer
    before = customers(store)
    chosen = next(iter(before))
    client.document(f"tenants/{ORG}/customers/{chosen}").update({"note": "likes edibles"})
    before = customers(store)

    # When
    loyalty.reconcile(ORG)

    # Then
    for customer_id, fields in customers(store).items():
        assert set(fields) - set(before[customer_id]) <= LOYALTY
        kept = {name: value for name, value in fields.items() if name not in LOYALTY}
        assert kept == before[customer_id]


@pytest.mark.parametrize("account", [True, False], ids=["alpine_iq", "calculated_only"])
def test_of_what_has_not_changed_only_the_moment_of_calculation_moves(
    client: Client,
    store: StoredDocuments,
    clock: OffsetClock,
    loyalty: LoyaltyRunner,
    account: bool,
) -> None:
    # Given
    if not account:
        client.document(f"tenants/{ORG}").set({"name": "Test"})
    loyalty.reconcile(ORG)
    before = customers(store)

    # When the next night comes
    clock.later = timedelta(days=1)
    run = loyalty.reconcile(ORG)

    # Then
    assert run["counts"]["unchanged"] == len(before)
    assert (run["counts"]["updated"], run["counts"]["ledgerEntries"]) == (0, 0)
    for customer_id, fields in customers(store).items():
        moved = fields["pointsLastCalculated"] - before[customer_id]["pointsLastCalculated"]
        assert timedelta(days=1) <= moved < timedelta(days=1, minutes=5)
        same = {"pointsLastCalculated": fields["pointsLastCalculated"]}
        assert fields == before[customer_id] | same


def test_a_ledger_that_is_not_as_the_orders_are_is_put_right_within_a_week(
    client: Client, store: StoredDocuments, clock: OffsetClock, loyalty: LoyaltyRunner
) -> None:
    # Given an order whose time changes, which is no change of spending
    loyalty.reconcile(ORG)
    order_id, order = next(
        (i, o)
        for i, o in store.documents(f"tenants/{ORG}/orders").items()
        if o["status"] == "completed" and o["total"] > 1
    )
    at = order["createdAt"] - timedelta(days=3)
    client.document(f"tenants/{ORG}/orders/{order_id}").update({"createdAt": at})
    # When
    for day in range(1, 8):
        clock.later = timedelta(days=day)
        loyalty.reconcile(ORG)
    # Then
    ledger = loyalty.points(ORG)[order["customerId"]]["ledger"]
    assert ledger[order_id]["at"] == at


def test_the_totals_of_a_run_follow_from_its_customers(
    store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # When
    run = loyalty.reconcile(ORG)
    # Then
    known = [f for f in customers(store).values() if "pointsFromAlpine" in f]
    points = sum(fields["loyaltyDiscrepancy"] for fields in known)
    assert (run["successRate"], run["providerErrors"]) == (1.0, 0)
    assert run["averageDiscrepancy"] == round(points / len(known), 2) > 0


def test_a_refund_takes_points_away_and_an_order_that_is_gone_leaves_the_ledger(
    client: Client,
    store: StoredDocuments,
    loyalty: LoyaltyRunner,
) -> None:
    # Given a customer with points
    loyalty.reconcile(ORG)
    customer_id, fields = next(
        (i, f) for i, f in loyalty.points(ORG).items() if f["pointsFromOrders"] > 100
    )
    order_id = next(iter(fields["ledger"]))
    order = store.document(f"tenants/{ORG}/orders/{order_id}")

    # When one order was cancelled, another refunded more than was ever spent
    client.document(f"tenants/{ORG}/orders/{order_id}").update({"status": "cancelled"})
    refund = {**order, "id": "alleaves_refund", "total": -99999.0, "status": "completed"}
    client.document(f"tenants/{ORG}/orders/alleaves_refund").set(refund)
    loyalty.reconcile(ORG, customer_ids=(customer_id,))

    # Then
    after = loyalty.points(ORG)[customer_id]
    assert order_id not in after["ledger"]
    assert "alleaves_refund" in after["ledger"]
    assert after["pointsFromOrders"] == sum(e["points"] for e in after["ledger"].values()) == 0


def test_a_flagged_customer_has_1_2_points_for_each(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    before = loyalty.points(ORG)
    customer_id = next(i for i, f in before.items() if f["pointsFromOrders"] > 100)
    spent = Decimal(str(customers(store)[customer_id]["totalSpent"]))

    # When the merchant flags one and the daily run comes
    flag = {"socialEquity": True}
    client.document(f"tenants/{ORG}/customers/{customer_id}").update(flag)
    run = loyalty.reconcile(ORG)

    # Then that one has more, and nobody else
    after = loyalty.points(ORG)
    assert run["counts"]["updated"] == 1
    assert after[customer_id]["pointsFromOrders"] == int(spent * Decimal("1.2") + Decimal("0.5"))
    ledger = after[customer_id]["ledger"].values()
    assert sum(entry["points"] for entry in ledger) == after[customer_id]["pointsFromOrders"]
    del after[customer_id], before[customer_id]
    assert after == before


def test_a_changed_programme_changes_all_points_and_ledgers(
    client: Client, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    before = loyalty.points(ORG)

    # When
    tiers = [{"id": "leaf", "name": "Leaf", "threshold": 100, "color": "#0F0"}]
    settings = {"pointsPerDollar": 2, "tiers": tiers}
    client.document(f"tenants/{ORG}").update({"loyaltySettings": settings})
    loyalty.reconcile(ORG)

    # Then
    for customer_id, fields in loyalty.points(ORG).items():
        points = fields["pointsFromOrders"]
        assert sum(entry["points"] for entry in fields.get("ledger", {}).values()) == points
        assert abs(points - 2 * before[customer_id]["pointsFromOrders"]) <= 1
        assert fields.get("loyaltyTier") == ("leaf" if fields["points"] >= 100 else None)
