"""Only what may have changed is looked up between full passes."""

from collections import Counter
from datetime import timedelta

from google.cloud.firestore import Client

from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.fakes import OffsetClock, RecordingNotifier
from tests.stored import StoredDocuments

ORG = "org_test"
MANY_MORE_DOLLARS = 1500.0


def spend_more(client: Client, store: StoredDocuments, loyalty: LoyaltyRunner) -> str:
    """One order gets dearer; the customer whose it is."""
    orders = store.documents(f"tenants/{ORG}/orders")
    order_id, order = next((i, o) for i, o in orders.items() if o["status"] == "completed")
    client.document(f"tenants/{ORG}/orders/{order_id}").update({"total": MANY_MORE_DOLLARS})
    loyalty.compute_spending(ORG, order["customerId"])
    customer_id: str = order["customerId"]
    return customer_id


def test_the_first_run_looks_everybody_up_and_the_next_nobody(loyalty: LoyaltyRunner) -> None:
    first, second = loyalty.reconcile(ORG), loyalty.reconcile(ORG)
    assert (first["counts"]["asked"], second["counts"]["asked"]) == (120, 0)


def test_a_customer_whose_spending_changed_is_looked_up(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    # When
    customer_id = spend_more(client, store, loyalty)
    run = loyalty.reconcile(ORG)
    # Then
    assert run["counts"]["asked"] == 1
    assert loyalty.points(ORG)[customer_id]["pointsFromOrders"] >= MANY_MORE_DOLLARS
    assert loyalty.reconcile(ORG)["counts"]["asked"] == 0


def test_a_new_customer_is_looked_up_and_one_who_is_gone_is_forgotten(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    gone = next(iter(store.documents(f"tenants/{ORG}/customers")))
    # When
    client.document(f"tenants/{ORG}/customers/{gone}").delete()
    for new_id in ("new-1", "new-2"):
        plain = {"id": new_id, "email": "new@example.com", "orgId": ORG}
        client.document(f"tenants/{ORG}/customers/{new_id}").set(plain)
    run = loyalty.reconcile(ORG)
    # Then
    assert run["counts"]["asked"] == 2
    assert loyalty.points(ORG)["new-1"]["points"] == 0
    assert not store.document(f"tenants/{ORG}/customers/{gone}")
    assert loyalty.reconcile(ORG)["counts"]["asked"] == 0


def test_named_customers_are_looked_up_and_nobody_else(
    store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    ids = tuple(list(store.documents(f"tenants/{ORG}/customers"))[:3])
    # When: one of them does not exist
    run = loyalty.reconcile(ORG, customer_ids=(*ids, "nobody"))
    # Then
    assert run["counts"]["asked"] == 3
    assert not store.document(f"tenants/{ORG}/customers/nobody")


def test_all_others_are_looked_up_once_a_week_a_seventh_each_day(
    clock: OffsetClock, loyalty: LoyaltyRunner
) -> None:
    # Given a full pass
    loyalty.reconcile(ORG)
    # When two weeks of daily runs go by
    asked: Counter[int] = Counter()
    for day in range(1, 15):
        clock.later = timedelta(days=day)
        asked[day] = loyalty.reconcile(ORG)["counts"]["asked"]
    # Then
    assert sum(asked[day] for day in range(1, 8)) == 120
    assert [asked[day] for day in range(1, 8)] == [asked[day] for day in range(8, 15)]
    assert 5 <= min(asked.values()) <= max(asked.values()) <= 35


def test_a_change_at_alpine_iq_is_seen_within_a_week_and_notified_once(
    clock: OffsetClock, notifier: RecordingNotifier, loyalty: LoyaltyRunner
) -> None:
    # Given 3 differences that people have been notified of
    loyalty.reconcile(ORG)
    assert len(notifier.bodies) == 1
    contact = next(c for c in loyalty.alpine(ORG).contacts if c["loyaltyPoints"] < 10)
    # When a fourth customer is given points at Alpine IQ
    account = loyalty.alpine(ORG)
    account.contacts.change(contact["contactID"], {"loyaltyPoints": 5000})
    for day in range(1, 8):
        clock.later = timedelta(days=day)
        loyalty.reconcile(ORG)
    # Then only that one is notified
    assert len(notifier.bodies) == 2
    assert notifier.bodies[1].count("Customer ") == 1
    assert "5000 at Alpine IQ" in notifier.bodies[1]
    assert "In review altogether: 4" in notifier.bodies[1]


def test_when_all_figures_agree_the_incident_is_over(
    store: StoredDocuments, notifier: RecordingNotifier, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    (incident,) = store.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "open"
    # When Alpine IQ's figures are put right
    for fields in loyalty.points(ORG).values():
        if fields["tierSource"] == "alpine_iq":
            right = {"loyaltyPoints": fields["pointsFromOrders"]}
            account = loyalty.alpine(ORG)
            account.contacts.change(fields["alpineUserId"], right)
    loyalty.reconcile(ORG, full=True)
    # Then
    (incident,) = store.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "resolved"
    assert len(notifier.bodies) == 1
