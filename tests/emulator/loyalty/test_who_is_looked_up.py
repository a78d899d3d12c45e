"""Only what may have changed is looked up between full passes."""

from collections import Counter
from datetime import timedelta

from tests.emulator.loyalty.world import LoyaltyWorld

ORG = "org_test"
MANY_MORE_DOLLARS = 1500.0


def spend_more(world: LoyaltyWorld) -> str:
    """One order gets dearer; the customer whose it is."""
    orders = world.documents(f"tenants/{ORG}/orders")
    order_id, order = next((i, o) for i, o in orders.items() if o["status"] == "completed")
    world.client.document(f"tenants/{ORG}/orders/{order_id}").update({"total": MANY_MORE_DOLLARS})
    world.respend(ORG, order["customerId"])
    customer_id: str = order["customerId"]
    return customer_id


def test_the_first_run_looks_everybody_up_and_the_next_nobody(world: LoyaltyWorld) -> None:
    first, second = world.reconcile(ORG), world.reconcile(ORG)
    assert (first["counts"]["asked"], second["counts"]["asked"]) == (120, 0)


def test_a_customer_whose_spending_changed_is_looked_up(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    # When
    customer_id = spend_more(world)
    run = world.reconcile(ORG)
    # Then
    assert run["counts"]["asked"] == 1
    assert world.points(ORG)[customer_id]["pointsFromOrders"] >= MANY_MORE_DOLLARS
    assert world.reconcile(ORG)["counts"]["asked"] == 0


def test_a_new_customer_is_looked_up_and_one_who_is_gone_is_forgotten(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    gone = next(iter(world.documents(f"tenants/{ORG}/customers")))
    # When
    world.client.document(f"tenants/{ORG}/customers/{gone}").delete()
    for new_id in ("new-1", "new-2"):
        plain = {"id": new_id, "email": "new@example.com", "orgId": ORG}
        world.client.document(f"tenants/{ORG}/customers/{new_id}").set(plain)
    run = world.reconcile(ORG)
    # Then
    assert run["counts"]["asked"] == 2
    assert world.points(ORG)["new-1"]["points"] == 0
    assert not world.document(f"tenants/{ORG}/customers/{gone}")
    assert world.reconcile(ORG)["counts"]["asked"] == 0


def test_named_customers_are_looked_up_and_nobody_else(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    ids = tuple(list(world.documents(f"tenants/{ORG}/customers"))[:3])
    # When: one of them does not exist
    run = world.reconcile(ORG, customer_ids=(*ids, "nobody"))
    # Then
    assert run["counts"]["asked"] == 3
    assert not world.document(f"tenants/{ORG}/customers/nobody")


def test_all_others_are_looked_up_once_a_week_a_seventh_each_day(world: LoyaltyWorld) -> None:
    # Given a full pass
    world.reconcile(ORG)
    # When two weeks of daily runs go by
    asked: Counter[int] = Counter()
    for day in range(1, 15):
        world.later = timedelta(days=day)
        asked[day] = world.reconcile(ORG)["counts"]["asked"]
    # Then
    assert sum(asked[day] for day in range(1, 8)) == 120
    assert [asked[day] for day in range(1, 8)] == [asked[day] for day in range(8, 15)]
    assert 5 <= min(asked.values()) <= max(asked.values()) <= 35


def test_a_change_at_alpine_iq_is_seen_within_a_week_and_told_once(world: LoyaltyWorld) -> None:
    # Given 3 differences that people have been told of
    world.reconcile(ORG)
    assert len(world.told.bodies) == 1
    contact = next(c for c in world.contacts(ORG) if c["loyaltyPoints"] < 10)
    # When somebody gives a fourth customer points at Alpine IQ
    account = world.pos.simulation.orgs.get(ORG).alpine
    account.contacts.change(contact["contactID"], {"loyaltyPoints": 5000})
    for day in range(1, 8):
        world.later = timedelta(days=day)
        world.reconcile(ORG)
    # Then only that one is told of
    assert len(world.told.bodies) == 2
    assert world.told.bodies[1].count("Customer ") == 1
    assert "5000 at Alpine IQ" in world.told.bodies[1]
    assert "In review altogether: 4" in world.told.bodies[1]


def test_when_all_figures_agree_the_incident_is_over(world: LoyaltyWorld) -> None:
    # Given
    world.reconcile(ORG)
    (incident,) = world.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "open"
    # When Alpine IQ's figures are put right
    for fields in world.points(ORG).values():
        if fields["tierSource"] == "alpine_iq":
            right = {"loyaltyPoints": fields["pointsFromOrders"]}
            account = world.pos.simulation.orgs.get(ORG).alpine
            account.contacts.change(fields["alpineUserId"], right)
    world.reconcile(ORG, full=True)
    # Then
    (incident,) = world.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "resolved"
    assert len(world.told.bodies) == 1
